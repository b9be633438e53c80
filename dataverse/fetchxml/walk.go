package fetchxml

import "strings"

// Walk visits every XML attribute and every text of a document, in order, without asking what they mean: also of a document
// that Parse refuses, so that a template where none can be is found before it is taken for a wrong value. Texts of white
// space only, comments and attributes with a namespace are left out. Errors are *SyntaxError: the document is not XML.
func Walk(text string, visit func(Attr)) error {
	r := newReader(text)
	var inside []string
	for {
		e, err := r.next()
		if err != nil {
			return err
		}
		switch e.kind {
		case eventEnd:
			return nil
		case eventOpen:
			inside = append(inside, e.name)
			for _, a := range e.attrs {
				visit(a)
			}
		case eventClose:
			inside = inside[:max(0, len(inside)-1)]
		case eventText:
			if strings.TrimSpace(e.text) != "" {
				visit(Attr{Element: last(inside), Value: e.text, Pos: e.pos})
			}
		}
	}
}

func last(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1]
}
