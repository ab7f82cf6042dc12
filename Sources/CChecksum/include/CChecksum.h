#pragma once
#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `count` bytes at `bytes`, continued from `seed` (0 to begin).
uint32_t holdfast_crc32c(uint32_t seed, const void *bytes, size_t count);
