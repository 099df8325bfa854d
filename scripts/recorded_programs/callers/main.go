// Program callers spends its time in functions without a frame of their own, called in every way Go has: directly, by
// closures, interfaces, method wrappers, generics, defer, assembly, C and iterators. Where the time goes is known.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"math/bits"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
)

var sink uint64

//go:noinline
func leaf(x uint64) uint64 { return bits.RotateLeft64(x*0x9e3779b97f4a7c15, 31) ^ x }

//go:noinline
func spin(x uint64, n int) uint64 {
	for i := 0; i < n; i++ {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

func inlinedTwice(x uint64) uint64 { return leaf(x) + leaf(x+1) }

//go:noinline
func direct(n int) uint64 {
	var x uint64
	for i := 0; i < n; i++ {
		x += leaf(uint64(i))
	}
	return x
}

//go:noinline
func twoSites(n int) uint64 {
	var x uint64
	for i := 0; i < n; i++ {
		if i&1 == 0 {
			x += leaf(uint64(i))
		} else {
			x -= leaf(x)
		}
		x ^= spin(x, 3)
	}
	return x
}

//go:noinline
func throughInlined(n int) uint64 {
	var x uint64
	for i := 0; i < n; i++ {
		x += inlinedTwice(uint64(i))
	}
	return x
}

type shape interface {
	area() uint64
	grow(uint64) uint64
}

type square struct{ side uint64 }
type circle struct{ radius uint64 }
type framed struct{ square }

//go:noinline
func (s square) area() uint64 { return s.side * s.side }

//go:noinline
func (s square) grow(by uint64) uint64 { return s.side*by + by>>3 }

//go:noinline
func (c *circle) area() uint64 { return c.radius * c.radius * 3 }

//go:noinline
func (c *circle) grow(by uint64) uint64 { return c.radius*by ^ by>>5 }

//go:noinline
func interfaces(shapes []shape, n int) uint64 {
	var x uint64
	for i := 0; i < n; i++ {
		s := shapes[i%len(shapes)]
		x += s.area() + s.grow(x)
	}
	return x
}

//go:noinline
func closures(n int) uint64 {
	total := uint64(0)
	add := func(x uint64) uint64 { total += x; return total * 3 }
	twice := func(f func(uint64) uint64, x uint64) uint64 { return f(x) + f(x+1) }
	for i := 0; i < n; i++ {
		total ^= twice(add, uint64(i))
	}
	return total
}

type number interface{ ~uint32 | ~uint64 }

//go:noinline
func mix[T number](a, b T) T { return a*31 + b>>2 }

//go:noinline
func generics[T number](n int) T {
	var x T
	for i := 0; i < n; i++ {
		x = mix(x, T(i))
	}
	return x
}

//go:noinline
func deferred(n int) (x uint64) {
	for i := 0; i < n; i++ {
		func() {
			defer func() { x += leaf(x) }()
			x ^= spin(x, 2)
		}()
	}
	return x
}

//go:noinline
func recursive(n int, x uint64) uint64 {
	if n == 0 {
		return leaf(x)
	}
	return recursive(n-1, leaf(x)) + leaf(x+1)
}

type row struct {
	name string
	size int
}

//go:noinline
func library(n int) uint64 {
	var x uint64
	words := strings.Fields(strings.Repeat("the quick brown fox jumps over the lazy dog ", 8))
	counts := map[string]int{}
	for i := 0; i < n; i++ {
		for _, word := range words {
			counts[word]++
		}
		x += uint64(strings.Count("abcabcabcabcabcabcabcabc", "c")) + uint64(strings.Index("abcdefghijklmnop", "nop"))
		if bytes.Equal([]byte(words[i%len(words)]), []byte(words[(i+9)%len(words)])) {
			x++
		}
		rows := make([]row, 0, 32)
		for j := 0; j < 32; j++ {
			rows = append(rows, row{strconv.Itoa(i * j % 97), j})
		}
		sort.Slice(rows, func(a, b int) bool { return rows[a].name < rows[b].name })
		sum := sha256.Sum256([]byte(rows[0].name + rows[31].name))
		x += uint64(sum[0]) + uint64(crc32.ChecksumIEEE(sum[:]))
		numbers := map[uint64]uint64{}
		for j := uint64(0); j < 64; j++ {
			numbers[j*x] += j
		}
		x += numbers[0]
	}
	return x
}

//go:noinline
func work() {
	shapes := []shape{square{3}, &circle{4}, framed{square{5}}, &framed{square{6}}}
	sink += direct(40000)
	sink += twoSites(20000)
	sink += throughInlined(20000)
	sink += interfaces(shapes, 20000)
	sink += closures(20000)
	sink += generics[uint64](40000) + uint64(generics[uint32](40000))
	sink += deferred(10000)
	for i := 0; i < 200; i++ {
		sink += recursive(20, uint64(i))
	}
	sink += library(60)
	sink += iterators(20000)
	sink += native(20)
}

func main() {
	milliseconds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	done := make(chan bool)
	end := time.Now().Add(time.Duration(milliseconds) * time.Millisecond)
	for worker := 0; worker < 2; worker++ {
		go func() {
			for time.Now().Before(end) {
				work()
			}
			done <- true
		}()
	}
	<-done
	<-done
	fmt.Println(sink != 0)
}
