// Package metrics has numbers for the operator's dashboards. Names are at most 256 bytes.
package metrics

import "wasmhost/observer/internal/raw"

// CounterAdd adds to a counter.
func CounterAdd(name string, by uint64) { raw.MetricsCounterAdd(name, by) }

// GaugeSet sets a gauge.
func GaugeSet(name string, value float64) { raw.MetricsGaugeSet(name, value) }
