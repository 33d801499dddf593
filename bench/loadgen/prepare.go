package main

// The content that the reading workloads ask for: the same on every server.

import (
	"fmt"
)

// Prepared names what was pushed.
type Prepared struct {
	Config    Blob     `json:"config"`
	Blobs     []Blob   `json:"blobs"`
	Big       []Blob   `json:"big"`
	Manifests []Tagged `json:"manifests"`
}

// Tagged is a manifest under a tag.
type Tagged struct {
	Tag string `json:"tag"`
	Blob
}

// prepare pushes plan.Tags manifests over plan.Blobs small blobs, and plan.Big blobs of plan.BigBytes.
func prepare(plan *Plan) (*Prepared, error) {
	client := newClient(plan.Address, plan.User, plan.Password)
	push := &pusher{client: client, repository: plan.Repository, scope: "repository:" + plan.Repository + ":pull,push"}
	prepared := &Prepared{}
	store := func(source *Blobs) (Blob, error) {
		body, name := source.Next()
		return Blob{name, len(body)}, push.blob(body, name)
	}
	var err error
	if prepared.Config, err = store(newBlobs(1024, 1)); err != nil {
		return nil, err
	}
	small := newBlobs(plan.Bytes, 1)
	for i := 0; i < plan.Blobs; i++ {
		blob, err := store(small)
		if err != nil {
			return nil, err
		}
		prepared.Blobs = append(prepared.Blobs, blob)
	}
	for i := 0; i < plan.Big; i++ {
		blob, err := store(newBlobs(plan.BigBytes, int64(i)))
		if err != nil {
			return nil, err
		}
		prepared.Big = append(prepared.Big, blob)
	}
	for i := 0; i < plan.Tags; i++ {
		tag := fmt.Sprintf("v%04d", i)
		layers := []Blob{prepared.Blobs[i%plan.Blobs], prepared.Blobs[(i+1)%plan.Blobs], prepared.Blobs[(i+2)%plan.Blobs]}
		body := manifest(prepared.Config, layers, tag)
		if err := push.manifest(tag, body); err != nil {
			return nil, err
		}
		prepared.Manifests = append(prepared.Manifests, Tagged{tag, Blob{digest(body), len(body)}})
	}
	return prepared, nil
}
