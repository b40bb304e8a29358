package admin

import "github.com/prometheus/client_golang/prometheus"

// A family is one metric with its values: how to read them from a part T of the
// status. The metrics are tables of families, so that name, help text, labels and
// source stand in one line.
type family[T any] struct {
	name, help string
	kind       prometheus.ValueType
	label      string // besides those of the table, "" for none
	read       func(t *T, emit emit)
}

// emit takes a value, with that of the family's own label if it has one.
type emit func(value float64, label ...string)

// table is a list of families with the same labels.
type table[T any] struct {
	labels   []string
	families []family[T]
	descs    []*prometheus.Desc
}

// newTable makes the descriptions.
func newTable[T any](labels []string, families ...family[T]) *table[T] {
	t := &table[T]{labels: labels, families: families}
	for _, f := range families {
		all := labels
		if f.label != "" {
			all = append(append([]string{}, labels...), f.label)
		}
		t.descs = append(t.descs, prometheus.NewDesc("edged_"+f.name, f.help, all, nil))
	}
	return t
}

func (t *table[T]) describe(ch chan<- *prometheus.Desc) {
	for _, d := range t.descs {
		ch <- d
	}
}

// collect sends every value of v under the given values of the table's labels.
func (t *table[T]) collect(ch chan<- prometheus.Metric, v *T, labels ...string) {
	for i := range t.families {
		f, desc := &t.families[i], t.descs[i]
		f.read(v, func(value float64, own ...string) {
			all := append(append(make([]string, 0, len(labels)+1), labels...), own...)
			ch <- prometheus.MustNewConstMetric(desc, f.kind, value, all...)
		})
	}
}

type number interface {
	~int | ~int64 | ~uint64 | ~float64
}

// counter is a family of one value that only grows.
func counter[T any, N number](name, help string, read func(*T) N) family[T] {
	return family[T]{name, help, prometheus.CounterValue, "", func(t *T, e emit) { e(float64(read(t))) }}
}

// gauge is a family of one value that goes up and down.
func gauge[T any, N number](name, help string, read func(*T) N) family[T] {
	return family[T]{name, help, prometheus.GaugeValue, "", func(t *T, e emit) { e(float64(read(t))) }}
}

// counters is a family of one value for each word of a closed list.
func counters[T any](name, help, label string, read func(*T) map[string]uint64) family[T] {
	return family[T]{name, help, prometheus.CounterValue, label, func(t *T, e emit) {
		for word, n := range read(t) {
			e(float64(n), word)
		}
	}}
}

// oneOf is a family with the value 1 for the word that holds now and 0 for the
// others.
func oneOf[T any](name, help, label string, read func(*T) string, words ...string) family[T] {
	return family[T]{name, help, prometheus.GaugeValue, label, func(t *T, e emit) {
		now := read(t)
		for _, word := range words {
			e(truth(word == now), word)
		}
	}}
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
