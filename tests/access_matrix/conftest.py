from tests.world.fixtures import ada, client, repository, tmp_path, world

__all__ = ["ada", "client", "repository", "tmp_path", "world"]
