// Package log writes lines into the operator's log.
package log

import "wasmhost/observer/internal/raw"

// Level is how much a line matters.
type Level uint32

const (
	// LevelTrace is finer than debug.
	LevelTrace Level = iota
	// LevelDebug is for who looks for a fault.
	LevelDebug
	// LevelInfo is worth knowing.
	LevelInfo
	// LevelWarn is worth a look.
	LevelWarn
	// LevelError is for what failed.
	LevelError
)

// Write writes one line. A line over 4,096 bytes is cut.
func Write(level Level, message string) { raw.LogWrite(uint32(level), message) }

// Trace writes a line that is finer than debug.
func Trace(message string) { Write(LevelTrace, message) }

// Debug writes a line for who looks for a fault.
func Debug(message string) { Write(LevelDebug, message) }

// Info writes a line that is worth knowing.
func Info(message string) { Write(LevelInfo, message) }

// Warn writes a line that is worth a look.
func Warn(message string) { Write(LevelWarn, message) }

// Error writes a line about something that failed.
func Error(message string) { Write(LevelError, message) }
