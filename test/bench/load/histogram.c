/* A log-linear histogram of nanoseconds: 64 bins for each power of two, so a value is off by 1.6 % at most. */
#include "load.h"

static int bin_of(uint64_t v) {
  if (v < 64) return (int)v;
  int e = 63 - __builtin_clzll(v);
  return (e - 5) * 64 + (int)((v >> (e - 6)) & 63);
}

static uint64_t upper_edge(int i) {
  if (i < 64) return (uint64_t)i;
  int e = i / 64 + 5;
  return (1ull << e) + ((uint64_t)(i % 64 + 1) << (e - 6)) - 1;
}

void record(histogram *h, uint64_t ns) {
  h->bins[bin_of(ns)]++;
  h->count++;
  if (ns > h->max) h->max = ns;
}

double quantile(const histogram *h, double q) {
  uint64_t rank = (uint64_t)(q * (double)h->count), seen = 0;
  for (int i = 0; i < 4096; i++) {
    seen += h->bins[i];
    if (seen > rank) {
      uint64_t edge = upper_edge(i);
      return (double)(edge < h->max ? edge : h->max) / 1e6;
    }
  }
  return (double)h->max / 1e6;
}
