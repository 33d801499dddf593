package main

// What one operation of each kind is. An operation returns the payload bytes it moved.

import (
	"fmt"
	"math/rand"
	"net/url"
	"strings"
)

// Step is a fixed request and what its reply must be.
type Step struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Accept string `json:"accept"`
	Status int    `json:"status"`
	Bytes  int64  `json:"bytes"` // of the reply's body; below zero: any
}

type operation func() (int64, error)

// newOperation builds the operation of one client. Clients start at different places of the same list.
func newOperation(plan *Plan, client *Client, number int) (operation, error) {
	salt := rand.New(rand.NewSource(plan.Seed + int64(number))).Int63()
	push := &pusher{client: client, repository: plan.Repository, scope: "repository:" + plan.Repository + ":pull,push"}
	switch plan.Kind {
	case "requests":
		return requests(plan.Steps, client, number*len(plan.Steps)/plan.Clients), nil
	case "push-blob":
		blobs := newBlobs(plan.Bytes, salt)
		return func() (int64, error) {
			body, name := blobs.Next()
			return int64(len(body)), push.blob(body, name)
		}, nil
	case "push-image":
		return pushImage(push, newBlobs(plan.Bytes, salt), newBlobs(1024, salt), fmt.Sprintf("%x", salt)), nil
	case "push-tag":
		return pushTag(push, plan.Config, fmt.Sprintf("%x", salt)), nil
	}
	return nil, fmt.Errorf("unknown kind %q", plan.Kind)
}

func requests(steps []Step, client *Client, next int) operation {
	wanted := make([]*Request, len(steps))
	for i, step := range steps {
		scope := step.Path
		for _, marker := range []string{"/manifests/", "/blobs/", "/tags/", "/referrers/"} {
			if at := strings.LastIndex(step.Path, marker); at >= 0 {
				scope = step.Path[:at]
			}
		}
		wanted[i] = &Request{Method: step.Method, Target: step.Path, Accept: step.Accept, Scope: scope}
	}
	return func() (int64, error) {
		step, request := &steps[next], wanted[next]
		if next++; next == len(steps) {
			next = 0
		}
		reply, err := client.Do(request)
		if err != nil {
			return 0, err
		}
		if reply.Status != step.Status || (step.Bytes >= 0 && reply.Bytes != step.Bytes) {
			return 0, fmt.Errorf("%s %s: status %d, %d bytes: %.200s", step.Method, step.Path, reply.Status, reply.Bytes, reply.Body)
		}
		return reply.Bytes, nil
	}
}

type pusher struct {
	client            *Client
	repository, scope string
}

func (p *pusher) send(wantStatus int, request *Request) (*Response, error) {
	request.Scope = p.scope
	reply, err := p.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", request.Method, request.Target, err)
	}
	if reply.Status != wantStatus {
		return nil, fmt.Errorf("%s %s: status %d: %.300s", request.Method, request.Target, reply.Status, reply.Body)
	}
	return reply, nil
}

// blob pushes as docker does: POST for a session, PATCH with the bytes, PUT with the digest.
func (p *pusher) blob(body []byte, name string) error {
	started, err := p.send(202, &Request{Method: "POST", Target: "/v2/" + p.repository + "/blobs/uploads/"})
	if err != nil {
		return err
	}
	received, err := p.send(202, &Request{Method: "PATCH", Target: started.Location, ContentType: "application/octet-stream", Body: body})
	if err != nil {
		return err
	}
	target := received.Location
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	_, err = p.send(201, &Request{Method: "PUT", Target: target + separator + "digest=" + url.QueryEscape(name)})
	return err
}

func (p *pusher) manifest(reference string, body []byte) error {
	_, err := p.send(201, &Request{Method: "PUT", Target: "/v2/" + p.repository + "/manifests/" + reference, ContentType: manifestType, Body: body})
	return err
}

func pushImage(push *pusher, layers, configs *Blobs, salt string) operation {
	count := 0
	return func() (int64, error) {
		count++
		var moved int64
		stored := make([]Blob, 0, 4)
		for i := 0; i < 4; i++ {
			source := layers
			if i == 3 {
				source = configs
			}
			body, name := source.Next()
			if err := push.blob(body, name); err != nil {
				return moved, err
			}
			moved += int64(len(body))
			stored = append(stored, Blob{name, len(body)})
		}
		tag := fmt.Sprintf("image-%s-%d", salt, count)
		body := manifest(stored[3], stored[:3], tag)
		return moved + int64(len(body)), push.manifest(tag, body)
	}
}

// pushTag puts a new manifest under a new tag; its only blob exists already.
func pushTag(push *pusher, config Blob, salt string) operation {
	count := 0
	return func() (int64, error) {
		count++
		tag := fmt.Sprintf("tag-%s-%d", salt, count)
		body := manifest(config, nil, tag)
		return int64(len(body)), push.manifest(tag, body)
	}
}
