// Check a log's folder with golang.org/x/mod/sumdb, which shares no code with Sabal: check <folder> <vkey>
//
// The folder has checkpoint and tile/…, like any mirror. It may also have older (an earlier checkpoint), request (an
// add-checkpoint body from older to checkpoint) and proofs/*.tlog-proof. The program prints "ok" and the counts, or it
// prints the error and exits with 1.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

var folder = os.Args[1]

func main() {
	verifier, err := note.NewVerifier(os.Args[2])
	must(err)
	tree := open(read("checkpoint"), verifier)

	hashes := storage{}
	count := tally{revoked: map[uint64]bool{}}
	for n := int64(0); n < tree.N; n++ {
		data := entry(n, tree.N)
		count.add(n, data)
		more, err := tlog.StoredHashes(n, data, hashes)
		must(err)
		hashes = append(hashes, more...)
	}
	fits(tree, hashes)
	checkTiles(tree, hashes)
	if has("older") {
		older := open(read("older"), verifier)
		demand(older.N <= tree.N, "the older checkpoint has %d entries, this one %d", older.N, tree.N)
		fits(older, hashes)
		if has("request") {
			checkRequest(older, verifier)
		}
	}
	if has("proofs") {
		checkProofs(tree, verifier)
	}
	revoked := int64(len(count.revoked))
	fmt.Printf("ok %d entries: %d signed, %d revoked, %d count\n", tree.N, count.signed, revoked, count.signed-revoked)
}

// fits compares the entries with a checkpoint over some or all of them.
func fits(tree tlog.Tree, hashes storage) {
	found, err := tlog.TreeHash(tree.N, hashes)
	must(err)
	demand(found == tree.Hash, "the entries do not have the root of the checkpoint over %d", tree.N)
}

// checkTiles compares every tile with the entries, and proves three entries from the tiles.
func checkTiles(tree tlog.Tree, hashes storage) {
	for _, tile := range tlog.NewTiles(height, 0, tree.N) {
		if width := int(tree.N >> (height * tile.L) & 255); tile.W < 256 && tile.W != width {
			continue // Go also lists the partial tiles of every smaller width
		}
		data, err := tlog.ReadTileData(tile, hashes)
		must(err)
		demand(bytes.Equal(data, read(path(tile))), "%s differs", path(tile))
	}
	fromTiles := tlog.TileHashReader(tree, tiles{})
	for _, n := range []int64{0, tree.N / 2, tree.N - 1} {
		proof, err := tlog.ProveRecord(tree.N, n, fromTiles)
		must(err)
		must(tlog.CheckRecord(proof, tree.N, tree.Hash, n, tlog.RecordHash(entry(n, tree.N))))
	}
}

// checkRequest verifies the log's request to a witness that knows the older checkpoint.
func checkRequest(older tlog.Tree, verifier note.Verifier) {
	header, lines, checkpoint := split(read("request"))
	demand(header[0] == fmt.Sprintf("old %d", older.N), "the request has another size: %q", header)
	asked := open(checkpoint, verifier)
	must(tlog.CheckTree(lines, asked.N, asked.Hash, older.N, older.Hash))
}

// checkProofs verifies every proof file.
func checkProofs(tree tlog.Tree, verifier note.Verifier) {
	files, err := filepath.Glob(filepath.Join(folder, "proofs", "*.tlog-proof"))
	must(err)
	demand(len(files) > 0, "no proof files")
	for _, file := range files {
		data, err := os.ReadFile(file)
		must(err)
		header, lines, checkpoint := split(data)
		demand(header[0] == "c2sp.org/tlog-proof@v1", "no proof file: %s", file)
		index, err := strconv.ParseInt(strings.TrimPrefix(header[len(header)-1], "index "), 10, 64)
		must(err)
		signed := open(checkpoint, verifier)
		leaf := tlog.RecordHash(entry(index, tree.N))
		must(tlog.CheckRecord(tlog.RecordProof(lines), signed.N, signed.Hash, index, leaf))
	}
}

// tally counts by the rules of docs/log-format.md "Entries".
type tally struct {
	types   []byte
	revoked map[uint64]bool
	signed  int64
	closed  bool
}

func (t *tally) add(n int64, data []byte) {
	demand(len(data) == 34 && data[0] == 1, "entry %d is none", n)
	kind := data[1]
	demand((kind == 0) == (n == 0), "entry %d: a log is opened by entry 0, and only by it", n)
	demand(!t.closed || kind == 2, "entry %d: the log was closed before", n)
	switch kind {
	case 0, 3:
	case 1:
		t.signed++
	case 2:
		index := binary.BigEndian.Uint64(data[2:])
		demand(index < uint64(n) && t.types[index] == 1, "entry %d revokes %d, which is no signature", n, index)
		demand(!t.revoked[index], "entry %d revokes %d once more", n, index)
		t.revoked[index] = true
	case 4:
		t.closed = true
	default:
		demand(false, "entry %d is of type %d", n, kind)
	}
	t.types = append(t.types, kind)
}

// open verifies a checkpoint's note and reads its three lines.
func open(data []byte, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open(data, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	demand(len(lines) == 4 && lines[0] == verifier.Name(), "no checkpoint of %s: %q", verifier.Name(), opened.Text)
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(lines[2])
	must(err)
	return tlog.Tree{N: size, Hash: root}
}

// split returns the parts of a request or proof file: lines with spaces, hashes, and the checkpoint after the empty line.
func split(data []byte) (header []string, hashes []tlog.Hash, checkpoint []byte) {
	at := bytes.Index(data, []byte("\n\n"))
	demand(at > 0, "no empty line")
	for i, line := range strings.Split(string(data[:at]), "\n") {
		if hash, err := tlog.ParseHash(line); i > 0 && err == nil {
			hashes = append(hashes, hash)
		} else {
			header = append(header, line)
		}
	}
	return header, hashes, data[at+2:]
}

var bundle struct {
	path    string
	entries [][]byte
}

// entry reads one entry from its bundle, full or partial.
func entry(n, size int64) []byte {
	width := int64(1) << height
	if left := size - n/width*width; left < width {
		width = left
	}
	tile := tlog.Tile{H: height, L: 0, N: n >> height, W: int(width)}
	name := strings.Replace(path(tile), "tile/0/", "tile/entries/", 1)
	if bundle.path != name {
		bundle.path, bundle.entries = name, nil
		for rest := read(name); len(rest) > 0; {
			demand(len(rest) >= 2, "%s is cut short", name)
			end := 2 + int(binary.BigEndian.Uint16(rest))
			demand(len(rest) >= end, "%s is cut short", name)
			bundle.entries = append(bundle.entries, rest[2:end])
			rest = rest[end:]
		}
		demand(len(bundle.entries) == int(width), "%s has %d entries", name, len(bundle.entries))
	}
	return bundle.entries[n%(1<<height)]
}

// path returns the path of a tile: Go's path without the height.
func path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

type storage []tlog.Hash

func (s storage) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		found = append(found, s[index])
	}
	return found, nil
}

type tiles struct{}

func (tiles) Height() int                     { return height }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (tiles) ReadTiles(ts []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range ts {
		found = append(found, read(path(tile)))
	}
	return found, nil
}

func has(name string) bool {
	_, err := os.Stat(filepath.Join(folder, name))
	return err == nil
}

func read(name string) []byte {
	data, err := os.ReadFile(filepath.Join(folder, name))
	must(err)
	return data
}

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func demand(ok bool, format string, arguments ...any) {
	if !ok {
		must(fmt.Errorf(format, arguments...))
	}
}
