package main

// Content that is unique and yet cheap: all blobs of one size share a random head whose SHA-256 state is kept, so that a
// new blob costs the hashing of its last bytes only. Servers cannot know and have to read and hash everything.

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math/rand"
	"strings"
)

const tailBytes = 32

// Blobs makes unique blobs of one size.
type Blobs struct {
	body  []byte
	state []byte
	salt  uint64
	count uint64
}

func newBlobs(size int, salt int64) *Blobs {
	random := rand.New(rand.NewSource(int64(size))) // the head may be the same on every server and in every run
	body := make([]byte, size)
	random.Read(body)
	head := sha256.New()
	head.Write(body[:size-tailBytes])
	state, err := head.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(err)
	}
	return &Blobs{body: body, state: state, salt: uint64(salt)}
}

// Next returns the next blob and its digest; the bytes are valid until the next call.
func (b *Blobs) Next() ([]byte, string) {
	b.count++
	tail := b.body[len(b.body)-tailBytes:]
	binary.LittleEndian.PutUint64(tail, b.salt)
	binary.LittleEndian.PutUint64(tail[8:], b.count)
	hasher := sha256.New()
	if err := hasher.(encoding.BinaryUnmarshaler).UnmarshalBinary(b.state); err != nil {
		panic(err)
	}
	hasher.Write(tail)
	return b.body, digestOf(hasher)
}

func digestOf(hasher hash.Hash) string {
	return "sha256:" + hex.EncodeToString(hasher.Sum(nil))
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

const (
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// Blob is a stored blob as a manifest refers to it.
type Blob struct {
	Digest string `json:"digest"`
	Bytes  int    `json:"bytes"`
}

// manifest writes an OCI image manifest; the note makes it unique.
func manifest(config Blob, layers []Blob, note string) []byte {
	var out strings.Builder
	fmt.Fprintf(&out, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[`,
		manifestType, configType, config.Digest, config.Bytes)
	for i, layer := range layers {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `{"mediaType":%q,"digest":%q,"size":%d}`, layerType, layer.Digest, layer.Bytes)
	}
	fmt.Fprintf(&out, `],"annotations":{"org.opencontainers.image.revision":%q}}`, note)
	return []byte(out.String())
}
