// What Go's debug/dwarf says about the symbols of a file: a second opinion for check_dwarf.py.
//
//	go run dwarf_truth.go FILE
//
// One line each: F address size name, V address size name, T kind size descriptor name; "-" where nothing is known.
package main

import (
	"bufio"
	"debug/dwarf"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
)

func open(path string) (*dwarf.Data, binary.ByteOrder, error) {
	if f, err := elf.Open(path); err == nil {
		data, err := f.DWARF()
		return data, f.ByteOrder, err
	}
	if f, err := pe.Open(path); err == nil {
		data, err := f.DWARF()
		return data, binary.LittleEndian, err
	}
	f, err := macho.Open(path)
	if err != nil {
		return nil, nil, err
	}
	data, err := f.DWARF()
	return data, f.ByteOrder, err
}

var kinds = strings.Fields("invalid bool int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 uintptr float32 " +
	"float64 complex64 complex128 array chan func interface map ptr slice string struct unsafe.Pointer")

const (
	goKind        = dwarf.Attr(0x2900)
	goRuntimeType = dwarf.Attr(0x2904)
	goDictIndex   = dwarf.Attr(0x2906)
	linkageName   = dwarf.Attr(0x6e)
	mipsLinkage   = dwarf.Attr(0x2007)
)

type reader struct {
	data *dwarf.Data
	out  *bufio.Writer
}

func (r *reader) at(offset dwarf.Offset) *dwarf.Entry {
	rd := r.data.Reader()
	rd.Seek(offset)
	e, err := rd.Next()
	if err != nil {
		return nil
	}
	return e
}

func (r *reader) origin(e *dwarf.Entry) *dwarf.Entry {
	for _, attr := range []dwarf.Attr{dwarf.AttrAbstractOrigin, dwarf.AttrSpecification} {
		if offset, ok := e.Val(attr).(dwarf.Offset); ok {
			return r.at(offset)
		}
	}
	return nil
}

func (r *reader) name(e *dwarf.Entry) string {
	for ; e != nil; e = r.origin(e) {
		for _, attr := range []dwarf.Attr{linkageName, mipsLinkage, dwarf.AttrName} {
			if s, ok := e.Val(attr).(string); ok {
				return s
			}
		}
	}
	return ""
}

func (r *reader) typeOf(e *dwarf.Entry) (dwarf.Offset, bool) {
	for ; e != nil; e = r.origin(e) {
		if offset, ok := e.Val(dwarf.AttrType).(dwarf.Offset); ok {
			return offset, true
		}
	}
	return 0, false
}

func (r *reader) size(offset dwarf.Offset, known bool) string {
	if !known {
		return "-"
	}
	t, err := r.data.Type(offset)
	if err != nil {
		return "?"
	}
	return fmt.Sprint(t.Size())
}

func (r *reader) function(e *dwarf.Entry) {
	if e.Val(dwarf.AttrDeclaration) != nil {
		return
	}
	ranges, err := r.data.Ranges(e)
	if err != nil {
		return
	}
	low, ok := e.Val(dwarf.AttrLowpc).(uint64)
	if ok && len(ranges) == 0 { // empty
		fmt.Fprintf(r.out, "F\t%d\t-\t%s\n", low, r.name(e))
		return
	}
	for _, pair := range ranges {
		if pair[0] < pair[1] {
			fmt.Fprintf(r.out, "F\t%d\t%d\t%s\n", pair[0], pair[1]-pair[0], r.name(e))
			return
		}
	}
}

func (r *reader) variable(e *dwarf.Entry, order binary.ByteOrder, size int) {
	loc, _ := e.Val(dwarf.AttrLocation).([]byte)
	if len(loc) != 1+size || loc[0] != 3 {
		return
	}
	address := uint64(0)
	if size == 8 {
		address = order.Uint64(loc[1:])
	} else {
		address = uint64(order.Uint32(loc[1:]))
	}
	offset, ok := r.typeOf(e)
	fmt.Fprintf(r.out, "V\t%d\t%s\t%s\n", address, r.size(offset, ok), r.name(e))
}

func (r *reader) typ(e *dwarf.Entry, isGo bool) {
	name, ok := e.Val(dwarf.AttrName).(string)
	if !ok || name == "" || e.Val(dwarf.AttrDeclaration) != nil || e.Val(goDictIndex) != nil {
		return
	}
	word := map[dwarf.Tag]string{
		dwarf.TagArrayType: "array", dwarf.TagClassType: "class", dwarf.TagEnumerationType: "enumeration",
		dwarf.TagPointerType: "pointer", dwarf.TagReferenceType: "reference", dwarf.TagStructType: "structure",
		dwarf.TagSubroutineType: "subroutine", dwarf.TagTypedef: "typedef", dwarf.TagUnionType: "union",
		dwarf.TagPtrToMemberType: "ptr_to_member", dwarf.TagBaseType: "base", dwarf.TagUnspecifiedType: "unspecified",
		dwarf.TagRvalueReferenceType: "rvalue_reference",
	}[e.Tag]
	if word == "" {
		return
	}
	kind, hasKind := e.Val(goKind).(int64)
	if isGo && e.Tag == dwarf.TagTypedef && !hasKind {
		if offset, ok := e.Val(dwarf.AttrType).(dwarf.Offset); ok {
			if target := r.at(offset); target != nil && target.Val(dwarf.AttrName) == name {
				return
			}
		}
	}
	if kind &= 31; kind > 0 && int(kind) < len(kinds) {
		word = kinds[kind]
	}
	descriptor := "-"
	if d, ok := e.Val(goRuntimeType).(uint64); ok && d != 0 {
		descriptor = fmt.Sprint(d)
	}
	size := "?"
	if s, ok := e.Val(dwarf.AttrByteSize).(int64); ok {
		size = fmt.Sprint(s)
	}
	fmt.Fprintf(r.out, "T\t%s\t%s\t%s\t%s\n", word, size, descriptor, name)
}

func main() {
	data, order, err := open(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	r := &reader{data, bufio.NewWriter(os.Stdout)}
	defer r.out.Flush()
	isGo := false
	entries := data.Reader()
	for {
		e, err := entries.Next()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		if e == nil {
			return
		}
		switch e.Tag {
		case dwarf.TagCompileUnit:
			language, _ := e.Val(dwarf.AttrLanguage).(int64)
			isGo = language == 0x16
		case dwarf.TagSubprogram:
			r.function(e)
		case dwarf.TagVariable:
			r.variable(e, order, entries.AddressSize())
		default:
			r.typ(e, isGo)
		}
	}
}
