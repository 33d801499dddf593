package main

// A keep-alive HTTP/1.1 client that does as little as a client can: one connection, one request at a time, and only the
// headers a registry client acts upon are looked at. net/http costs as much CPU as the servers measured here.

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const ioTimeout = 60 * time.Second

// Request is one HTTP request; Target is a path with its query, or an absolute URL on the same server.
// Scope names the token to send: clients hold one per scope, as real ones do.
type Request struct {
	Method, Target, Scope string
	Accept, ContentType   string
	Body                  []byte
	Keep                  bool // keep the reply's body instead of counting it
}

// Response holds what a registry client acts upon.
type Response struct {
	Status    int
	Bytes     int64
	Body      []byte
	Location  string
	Challenge string
	closing   bool
}

// Client is one connection with its tokens. It is not safe for concurrent use.
type Client struct {
	addr           string
	user, password string
	tokens         map[string]string
	conn           net.Conn
	in             *bufio.Reader
	out            []byte
	sink           []byte
	Dials          int
	Logins         int
}

func newClient(addr, user, password string) *Client {
	return &Client{addr: addr, user: user, password: password, tokens: map[string]string{}, sink: make([]byte, 256<<10)}
}

// Do sends the request, answers a challenge once, and returns the reply.
func (c *Client) Do(r *Request) (*Response, error) {
	authorization := c.tokens[r.Scope]
	reply, err := c.exchange(r, authorization)
	if err != nil || reply.Status != 401 || reply.Challenge == "" {
		return reply, err
	}
	authorization, err = c.login(reply.Challenge)
	if err != nil {
		return nil, err
	}
	c.tokens[r.Scope] = authorization
	return c.exchange(r, authorization)
}

// login does what a challenge asks for: a bearer token from its realm, or the basic header.
func (c *Client) login(challenge string) (string, error) {
	c.Logins++
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.password))
	if !strings.HasPrefix(strings.ToLower(challenge), "bearer ") {
		return basic, nil
	}
	fields := challengeFields(challenge[len("bearer "):])
	realm, err := url.Parse(fields["realm"])
	if err != nil {
		return "", err
	}
	query := realm.Query()
	query.Set("service", fields["service"])
	query.Set("account", c.user)
	if fields["scope"] != "" {
		query.Set("scope", fields["scope"])
	}
	reply, err := c.exchange(&Request{Method: "GET", Target: realm.Path + "?" + query.Encode(), Keep: true}, basic)
	if err != nil {
		return "", err
	}
	if reply.Status != 200 {
		return "", fmt.Errorf("token: status %d: %s", reply.Status, reply.Body)
	}
	var token struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(reply.Body, &token); err != nil {
		return "", err
	}
	return "Bearer " + token.Token, nil
}

func challengeFields(text string) map[string]string {
	fields := map[string]string{}
	for text != "" {
		name, rest, found := strings.Cut(text, "=\"")
		if !found {
			break
		}
		value, after, _ := strings.Cut(rest, "\"")
		fields[strings.ToLower(strings.Trim(name, " ,"))] = value
		text = after
	}
	return fields
}

// exchange sends one request and reads its reply. A kept connection that the server has closed in between is dialled anew.
func (c *Client) exchange(r *Request, authorization string) (*Response, error) {
	reused := c.conn != nil
	reply, err := c.attempt(r, authorization)
	if err != nil && reused && (errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || isReset(err)) {
		reply, err = c.attempt(r, authorization)
	}
	return reply, err
}

func (c *Client) attempt(r *Request, authorization string) (*Response, error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.addr, ioTimeout)
		if err != nil {
			return nil, err
		}
		c.conn, c.in = conn, bufio.NewReaderSize(conn, 16<<10)
		c.Dials++
	}
	_ = c.conn.SetDeadline(time.Now().Add(ioTimeout))
	err := c.send(r, authorization)
	var reply *Response
	if err == nil {
		reply, err = c.receive(r)
	}
	if err != nil || reply.closing {
		c.conn.Close()
		c.conn = nil
	}
	return reply, err
}

func (c *Client) send(r *Request, authorization string) error {
	out := append(c.out[:0], r.Method...)
	out = append(out, ' ')
	out = append(out, pathOf(r.Target)...)
	out = append(out, " HTTP/1.1\r\nHost: "...)
	out = append(out, c.addr...)
	out = appendHeader(out, "User-Agent", "wharf-bench")
	out = appendHeader(out, "Authorization", authorization)
	out = appendHeader(out, "Accept", r.Accept)
	out = appendHeader(out, "Content-Type", r.ContentType)
	if r.Method != "GET" && r.Method != "HEAD" {
		out = append(out, "\r\nContent-Length: "...)
		out = strconv.AppendInt(out, int64(len(r.Body)), 10)
	}
	out = append(out, "\r\n\r\n"...)
	c.out = out
	if len(r.Body) <= 64<<10 { // one packet train, one system call
		c.out = append(c.out, r.Body...)
		_, err := c.conn.Write(c.out)
		return err
	}
	buffers := net.Buffers{c.out, r.Body}
	_, err := buffers.WriteTo(c.conn)
	return err
}

func appendHeader(out []byte, name, value string) []byte {
	if value == "" {
		return out
	}
	out = append(out, "\r\n"...)
	out = append(out, name...)
	out = append(out, ": "...)
	return append(out, value...)
}

// pathOf drops scheme and host: a Location may be absolute, and always points at the server under test.
func pathOf(target string) string {
	if _, rest, found := strings.Cut(target, "://"); found {
		if slash := strings.IndexByte(rest, '/'); slash >= 0 {
			return rest[slash:]
		}
		return "/"
	}
	return target
}

func (c *Client) receive(r *Request) (*Response, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 12 {
		return nil, fmt.Errorf("bad status line %q", line)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil {
		return nil, fmt.Errorf("bad status line %q", line)
	}
	reply := &Response{Status: status}
	length, chunked := int64(-1), false
	for {
		line, err = c.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 0 {
			return nil, fmt.Errorf("bad header %q", line)
		}
		name, value := line[:colon], bytes.TrimSpace(line[colon+1:])
		switch {
		case is(name, "content-length"):
			length, err = strconv.ParseInt(string(value), 10, 64)
			if err != nil {
				return nil, err
			}
		case is(name, "transfer-encoding"):
			chunked = is(value, "chunked")
		case is(name, "location"):
			reply.Location = string(value)
		case is(name, "www-authenticate"):
			if reply.Challenge == "" {
				reply.Challenge = string(value)
			}
		case is(name, "connection"):
			reply.closing = is(value, "close")
		}
	}
	if r.Method == "HEAD" || status == 204 || status == 304 {
		return reply, nil
	}
	if chunked {
		return reply, c.readChunks(r, reply)
	}
	if length < 0 {
		return nil, errors.New("reply without a length")
	}
	return reply, c.readBody(r, reply, length)
}

func is(text []byte, lower string) bool {
	return len(text) == len(lower) && strings.EqualFold(string(text), lower)
}

func (c *Client) readChunks(r *Request, reply *Response) error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 64)
		if err != nil {
			return err
		}
		if size > 0 {
			if err := c.readBody(r, reply, size); err != nil {
				return err
			}
		}
		if _, err := c.in.ReadSlice('\n'); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}

// readBody takes exactly length bytes: first what is buffered, the rest straight from the socket.
func (c *Client) readBody(r *Request, reply *Response, length int64) error {
	for length > 0 {
		piece := c.sink
		if length < int64(len(piece)) {
			piece = piece[:length]
		}
		var n int
		var err error
		if c.in.Buffered() > 0 || length < 16<<10 {
			n, err = c.in.Read(piece)
		} else {
			n, err = c.conn.Read(piece)
		}
		reply.Bytes += int64(n)
		length -= int64(n)
		if r.Keep || reply.Status >= 400 {
			reply.Body = append(reply.Body, piece[:n]...)
		}
		if err != nil && length > 0 {
			return err
		}
	}
	return nil
}

func isReset(err error) bool {
	return strings.Contains(err.Error(), "reset by peer") || strings.Contains(err.Error(), "broken pipe")
}
