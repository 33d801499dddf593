"""Keeps the servers from paying for each other's files."""

import array
import fcntl
import os
from pathlib import Path

# <linux/fs.h>
_GET_FLAGS, _SET_FLAGS = 0x80086601, 0x40086602
_TOP_DIRECTORY = 0x00020000


def keep_apart(folder: Path) -> None:
    """Ask ext4 to put each folder made in `folder` into a block group of its own; elsewhere this does nothing.

    ext4 does not reuse an inode that was freed in the last minutes, and looks at each of them again for every file that
    is made in the same group: with a neighbour (or an earlier run) that deletes files, making one costs 300 µs instead
    of 10.
    """
    flags = array.array("l", [0])
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(handle, _GET_FLAGS, flags, True)
        flags[0] |= _TOP_DIRECTORY
        fcntl.ioctl(handle, _SET_FLAGS, flags)
    except OSError:
        pass  # another file system, without this trouble
    finally:
        os.close(handle)
