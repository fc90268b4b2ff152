package main

import "testing"

func TestAShareIsReadInThousandths(t *testing.T) {
	for text, expected := range map[string]uint64{
		"0": 0, "0.3": 300, "0.05": 50, "0.125": 125, "1": 1000, "1.000": 1000,
	} {
		if value, ok := permille(text); !ok || value != expected {
			t.Errorf("%q is read as %d", text, value)
		}
	}
	for _, text := range []string{
		"", ".", "0.", ".3", "1.001", "2", "-0", "+1", "0.1234", "0.3 ", "0,3", "0.x", "x", "é",
	} {
		if value, ok := permille(text); ok {
			t.Errorf("%q is read as %d", text, value)
		}
	}
}

func TestTheRealmThatWasQuietForLongestIsForgotten(t *testing.T) {
	watch := relayWatch{}
	for id := range uint32(mostRealms) {
		watch.clock++
		watch.find(id).last = watch.clock
	}
	watch.find(0).last = watch.clock + 1
	if realm := watch.find(1000); realm.total != 0 || len(watch.realms) != mostRealms {
		t.Errorf("%d realms are known", len(watch.realms))
	}
	for _, realm := range watch.realms {
		if realm.id == 1 {
			t.Error("realm 1 is still known")
		}
	}
}
