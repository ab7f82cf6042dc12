import CLinux
import Glibc

/// What this process occupies.
enum ResidentMemory {
    /// Bytes of memory that are in use now, after giving back what the allocator holds free.
    static func bytes() -> Int {
        malloc_trim(0)
        return ProcessMemory.residentBytes(of: getpid()).map(Int.init) ?? 0
    }

    /// Has every thread allocate from one heap that never shrinks by itself. Call it before threads start.
    static func useOneHeap() {
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, .max)
    }

    /// Makes the heap grow by so many bytes, once, for what this process allocates from now on.
    static func touch(bytes: Int) {
        let block = 1 << 20
        let blocks = (0..<bytes / block).map { _ in
            let memory = UnsafeMutableRawPointer.allocate(byteCount: block, alignment: 16)
            memory.initializeMemory(as: UInt8.self, repeating: 1, count: block)
            return memory
        }
        for memory in blocks { memory.deallocate() }
    }
}
