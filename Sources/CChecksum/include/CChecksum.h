#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, reflected, initial and final XOR 0xFFFFFFFF) of `count` bytes at `bytes`, continued from
/// `seed`: 0 to begin, or the result for the bytes before. Uses the processor's instruction where there is one.
uint32_t holdfast_crc32c(uint32_t seed, const void *bytes, size_t count);

/// The same by table, on any processor: what the instruction is checked against.
uint32_t holdfast_crc32c_portable(uint32_t seed, const void *bytes, size_t count);

/// Whether this processor has the instruction.
bool holdfast_crc32c_is_accelerated(void);
