package odata

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// message is an HTTP request or answer as text: its first line, headers and body.
type message struct {
	first  string
	header http.Header
	body   []byte
}

func (p batchPart) message() (message, error) {
	if t := p.Header.Get("Content-Type"); !strings.HasPrefix(strings.ToLower(t), "application/http") {
		return message{}, fmt.Errorf("%w: a part of the type %q, want application/http", ErrBatch, t)
	}
	r := textproto.NewReader(bufio.NewReader(p))
	m := message{}
	for m.first == "" { // blank lines before the first are common
		line, err := r.ReadLine()
		if err != nil {
			return message{}, fmt.Errorf("%w: a part without a request or answer: %w", ErrBatch, err)
		}
		m.first = strings.TrimSpace(line)
	}
	header, err := r.ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) { // a message that ends with its headers may lack the blank line behind them
		return message{}, fmt.Errorf("%w: %w", ErrBatch, err)
	}
	m.header = http.Header(header)
	body, err := io.ReadAll(r.R)
	if err != nil {
		return message{}, fmt.Errorf("%w: %w", ErrBatch, err)
	}
	m.body = m.trim(body)
	return m, nil
}

// trim takes the blank lines off that many clients put between a body and the boundary behind it.
func (m message) trim(body []byte) []byte {
	if n, err := strconv.Atoi(m.header.Get("Content-Length")); err == nil && 0 <= n && n <= len(body) {
		return body[:n]
	}
	if strings.HasPrefix(m.header.Get("Content-Type"), "application/octet-stream") {
		return body
	}
	return bytes.TrimSpace(body)
}

// contentID is the part's own, wherever it was put.
func (p batchPart) contentID(m message) string {
	if id := p.Header.Get("Content-ID"); id != "" {
		return id
	}
	return m.header.Get("Content-ID")
}

func (p batchPart) request() (BatchRequest, error) {
	m, err := p.message()
	if err != nil {
		return BatchRequest{}, err
	}
	method, url, ok := requestLine(m.first)
	if !ok {
		return BatchRequest{}, fmt.Errorf("%w: a request begins with %q, want method, URL and HTTP/1.1", ErrBatch, m.first)
	}
	if p.changeSet > 0 && method == http.MethodGet {
		return BatchRequest{}, fmt.Errorf("%w: a GET within a change set", ErrBatch)
	}
	return BatchRequest{
		Method: method, URL: url, Header: m.header, Body: m.body,
		ContentID: p.contentID(m), ChangeSet: p.changeSet,
	}, nil
}

// requestLine reads "GET /accounts HTTP/1.1", or without the protocol. The URL is all between the first space and the last:
// clients leave spaces in it, and the library that Dataverse is built on (OData's ODataBatchReader) takes them.
func requestLine(line string) (method, url string, ok bool) {
	method, url, _ = strings.Cut(strings.TrimSpace(line), " ")
	if i := strings.LastIndexByte(url, ' '); i >= 0 && strings.HasPrefix(url[i+1:], "HTTP/") {
		url = url[:i]
	}
	url = strings.TrimSpace(url)
	return strings.ToUpper(method), url, url != "" && !strings.HasPrefix(url, "HTTP/")
}

func (p batchPart) response() (BatchResponse, error) {
	m, err := p.message()
	if err != nil {
		return BatchResponse{}, err
	}
	protocol, rest, _ := strings.Cut(m.first, " ")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	status, err := strconv.Atoi(number)
	if !strings.HasPrefix(protocol, "HTTP/") || err != nil || status < 100 || status > 999 {
		return BatchResponse{}, fmt.Errorf("%w: an answer does not begin with its status", ErrBatch)
	}
	return BatchResponse{
		Status: status, Header: m.header, Body: m.body,
		ContentID: p.contentID(m), ChangeSet: p.changeSet,
	}, nil
}
