package ttlv

import (
	"fmt"
	"io"
	"time"
)

// Tag names an item, 3 bytes: 42xxxx are the specification's, 54xxxx are free for extensions (KMIP
// specification 1.4, section 9.1.3.1).
type Tag uint32

// Type is the type of a value (KMIP specification 1.4, section 9.1.1.2).
type Type byte

// The types.
const (
	Structure   Type = 1
	Integer     Type = 2  // 4 bytes, signed
	LongInteger Type = 3  // 8 bytes, signed
	BigInteger  Type = 4  // a multiple of 8 bytes, signed
	Enumeration Type = 5  // 4 bytes
	Boolean     Type = 6  // 8 bytes, 0 or 1
	TextString  Type = 7  // UTF-8
	ByteString  Type = 8  //
	DateTime    Type = 9  // 8 bytes, seconds since 1970-01-01 UTC
	Interval    Type = 10 // 4 bytes, seconds
)

var typeNames = [...]string{
	"type 0", "Structure", "Integer", "Long Integer", "Big Integer", "Enumeration", "Boolean",
	"Text String", "Byte String", "Date-Time", "Interval",
}

func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprintf("type %d", byte(t))
}

// Item is one item. Its value is in Items for a Structure, in Bytes for a text string, a byte
// string and a big integer, and in Int for all others.
type Item struct {
	Tag     Tag
	Type    Type
	lenient bool // a Reader accepts fields that nobody takes
	Int     int64
	Bytes   []byte
	Items   []Item
}

// Struct makes a structure.
func Struct(tag Tag, items ...Item) Item { return Item{Tag: tag, Type: Structure, Items: items} }

// Int makes an Integer.
func Int(tag Tag, v int32) Item { return Item{Tag: tag, Type: Integer, Int: int64(v)} }

// Long makes a Long Integer.
func Long(tag Tag, v int64) Item { return Item{Tag: tag, Type: LongInteger, Int: v} }

// Enum makes an Enumeration.
func Enum[E ~uint32](tag Tag, v E) Item { return Item{Tag: tag, Type: Enumeration, Int: int64(v)} }

// Bool makes a Boolean.
func Bool(tag Tag, v bool) Item {
	i := Item{Tag: tag, Type: Boolean}
	if v {
		i.Int = 1
	}
	return i
}

// Text makes a Text String; it must be valid UTF-8.
func Text(tag Tag, v string) Item { return Item{Tag: tag, Type: TextString, Bytes: []byte(v)} }

// Bytes makes a Byte String; the item refers to b.
func Bytes(tag Tag, b []byte) Item { return Item{Tag: tag, Type: ByteString, Bytes: b} }

// Date makes a Date-Time; fractions of a second are dropped.
func Date(tag Tag, t time.Time) Item { return Item{Tag: tag, Type: DateTime, Int: t.Unix()} }

// Seconds makes an Interval.
func Seconds(tag Tag, v uint32) Item { return Item{Tag: tag, Type: Interval, Int: int64(v)} }

// Add puts items behind those of a structure.
func (i *Item) Add(items ...Item) { i.Items = append(i.Items, items...) }

// Find is the first item of a structure with this tag, nil if there is none.
func (i *Item) Find(tag Tag) *Item {
	for n := range i.Items {
		if i.Items[n].Tag == tag {
			return &i.Items[n]
		}
	}
	return nil
}

// IgnoreUnknown makes Readers of this structure, and of all in it, accept fields that do not belong
// there, as for a message of a newer minor version of the protocol (KMIP specification 1.4, section
// 11.1).
func (i *Item) IgnoreUnknown() {
	if i.Type != Structure {
		return
	}
	i.lenient = true
	for n := range i.Items {
		i.Items[n].IgnoreUnknown()
	}
}

// Text is the value of a Text String, as a copy.
func (i *Item) Text() string { return string(i.Bytes) }

// Time is the value of a Date-Time, in UTC.
func (i *Item) Time() time.Time { return time.Unix(i.Int, 0).UTC() }

// Equal compares everything, but not in constant time.
func (i *Item) Equal(o *Item) bool {
	if i.Tag != o.Tag || i.Type != o.Type || i.Int != o.Int || string(i.Bytes) != string(o.Bytes) || len(i.Items) != len(o.Items) {
		return false
	}
	for n := range i.Items {
		if !i.Items[n].Equal(&o.Items[n]) {
			return false
		}
	}
	return true
}

// Clone is a deep copy, which outlives the slice that the item was read from.
func (i *Item) Clone() Item {
	c := *i
	c.Bytes = append([]byte(nil), i.Bytes...)
	if i.Items != nil {
		c.Items = make([]Item, len(i.Items))
		for n := range i.Items {
			c.Items[n] = i.Items[n].Clone()
		}
	}
	return c
}

// Format prints tag, type and size, and only those values that are numbers.
func (i Item) Format(s fmt.State, _ rune) { i.print(s, 0) }

func (i Item) print(w io.Writer, depth int) {
	switch i.Type {
	case Structure:
		fmt.Fprintf(w, "%06x{", uint32(i.Tag))
		for n, c := range i.Items {
			if n > 0 {
				_, _ = io.WriteString(w, " ")
			}
			if depth > maxDepth {
				_, _ = io.WriteString(w, "...")
				break
			}
			c.print(w, depth+1)
		}
		_, _ = io.WriteString(w, "}")
	case TextString, ByteString, BigInteger:
		fmt.Fprintf(w, "%06x=%s(%d bytes)", uint32(i.Tag), i.Type, len(i.Bytes))
	default:
		fmt.Fprintf(w, "%06x=%d", uint32(i.Tag), i.Int)
	}
}
