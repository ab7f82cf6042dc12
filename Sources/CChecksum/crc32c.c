#include "CChecksum.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__)
#include <nmmintrin.h>
#define HOLDFAST_CRC_TARGET __attribute__((target("sse4.2")))
#define crc_1(crc, value) _mm_crc32_u8((uint32_t)(crc), (value))
#define crc_8(crc, value) _mm_crc32_u64((crc), (value))
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <sys/auxv.h>
#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif
#define HOLDFAST_CRC_TARGET __attribute__((target("crc")))
#define crc_1(crc, value) __crc32cb((uint32_t)(crc), (value))
#define crc_8(crc, value) (uint64_t) __crc32cd((uint32_t)(crc), (value))
#endif

// The polynomial 0x1EDC6F41 with its bits reversed.
#define POLYNOMIAL 0x82F63B78u

// Eight tables: slice k holds the effect of a byte that is followed by k zero bytes.
static uint32_t tables[8][256];

__attribute__((constructor)) static void fill_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1)));
        tables[0][byte] = crc;
    }
    for (int slice = 1; slice < 8; slice++)
        for (uint32_t byte = 0; byte < 256; byte++)
            tables[slice][byte] = (tables[slice - 1][byte] >> 8) ^ tables[0][tables[slice - 1][byte] & 0xFF];
}

static uint64_t load_little_endian(const unsigned char *at) {
    uint64_t value;
    memcpy(&value, at, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

uint32_t holdfast_crc32c_portable(uint32_t seed, const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    uint32_t crc = ~seed;
    for (; count >= 8; count -= 8, at += 8) {
        uint64_t word = load_little_endian(at) ^ crc;
        crc = 0;
        for (int slice = 0; slice < 8; slice++) crc ^= tables[7 - slice][(word >> (8 * slice)) & 0xFF];
    }
    for (; count > 0; count--, at++) crc = (crc >> 8) ^ tables[0][(crc ^ *at) & 0xFF];
    return ~crc;
}

#if defined(HOLDFAST_CRC_TARGET)

static bool detect(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("sse4.2");
#else
    return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#endif
}

HOLDFAST_CRC_TARGET
static uint32_t accelerated(uint32_t seed, const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    uint64_t crc = (uint32_t)~seed;
    for (; count > 0 && ((uintptr_t)at & 7) != 0; count--, at++) crc = crc_1(crc, *at);
    for (; count >= 8; count -= 8, at += 8) crc = crc_8(crc, load_little_endian(at));
    for (; count > 0; count--, at++) crc = crc_1(crc, *at);
    return ~(uint32_t)crc;
}

bool holdfast_crc32c_is_accelerated(void) {
    // 0 unknown, 1 no, 2 yes; racing threads find the same answer.
    static _Atomic int known;
    int state = atomic_load_explicit(&known, memory_order_relaxed);
    if (state == 0) {
        state = detect() ? 2 : 1;
        atomic_store_explicit(&known, state, memory_order_relaxed);
    }
    return state == 2;
}

uint32_t holdfast_crc32c(uint32_t seed, const void *bytes, size_t count) {
    if (holdfast_crc32c_is_accelerated()) return accelerated(seed, bytes, count);
    return holdfast_crc32c_portable(seed, bytes, count);
}

#else

bool holdfast_crc32c_is_accelerated(void) { return false; }

uint32_t holdfast_crc32c(uint32_t seed, const void *bytes, size_t count) {
    return holdfast_crc32c_portable(seed, bytes, count);
}

#endif
