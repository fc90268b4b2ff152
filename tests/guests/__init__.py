"""Tests of the guests and of the SDKs they are written with."""
