// Check a log's folder with golang.org/x/mod/sumdb, which shares no code with ours: check <folder> <vkey>
//
// The folder holds checkpoint, tile/…, older (an earlier checkpoint), request (an add-checkpoint body from there to
// checkpoint) and proofs/*.tlog-proof. Prints "ok" and the number of entries, or says what is wrong and exits with 1.
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
	older := open(read("older"), verifier)

	hashes := storage{}
	for n := int64(0); n < tree.N; n++ {
		more, err := tlog.StoredHashes(n, entry(n, tree.N), hashes)
		must(err)
		hashes = append(hashes, more...)
	}
	for size, root := range map[int64]tlog.Hash{tree.N: tree.Hash, older.N: older.Hash} {
		found, err := tlog.TreeHash(size, hashes)
		must(err)
		demand(found == root, "the entries do not have the root of the checkpoint over %d", size)
	}
	for _, tile := range tlog.NewTiles(height, 0, tree.N) {
		if width := int(tree.N >> (height * tile.L) & 255); tile.W < 256 && tile.W != width {
			continue // Go lists a partial tile of every width on the way
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

	head, lines, checkpoint := split(read("request"))
	demand(head[0] == fmt.Sprintf("old %d", older.N), "the request has another size: %q", head)
	asked := open(checkpoint, verifier)
	must(tlog.CheckTree(lines, asked.N, asked.Hash, older.N, older.Hash))

	files, err := filepath.Glob(filepath.Join(folder, "proofs", "*.tlog-proof"))
	must(err)
	demand(len(files) > 0, "no proof files")
	for _, file := range files {
		data, err := os.ReadFile(file)
		must(err)
		head, lines, checkpoint := split(data)
		demand(head[0] == "c2sp.org/tlog-proof@v1", "no proof file: %s", file)
		index, err := strconv.ParseInt(strings.TrimPrefix(head[len(head)-1], "index "), 10, 64)
		must(err)
		signed := open(checkpoint, verifier)
		leaf := tlog.RecordHash(entry(index, tree.N))
		must(tlog.CheckRecord(tlog.RecordProof(lines), signed.N, signed.Hash, index, leaf))
	}
	fmt.Println("ok", tree.N)
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

// split takes a request or proof file apart: lines with spaces, hashes, and the checkpoint after the empty line.
func split(data []byte) (head []string, hashes []tlog.Hash, checkpoint []byte) {
	at := bytes.Index(data, []byte("\n\n"))
	demand(at > 0, "no empty line")
	for i, line := range strings.Split(string(data[:at]), "\n") {
		if hash, err := tlog.ParseHash(line); i > 0 && err == nil {
			hashes = append(hashes, hash)
		} else {
			head = append(head, line)
		}
	}
	return head, hashes, data[at+2:]
}

var bundle struct {
	path    string
	entries [][]byte
}

// entry reads one entry out of its bundle, whole or partial.
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

// path is where a tile is served: Go's, without the height.
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

func demand(held bool, format string, arguments ...any) {
	if !held {
		must(fmt.Errorf(format, arguments...))
	}
}
