import CLinux
import Glibc

/// What this process occupies.
enum ResidentMemory {
    /// Bytes of memory that are in use now, after giving back what the allocator holds free.
    static func bytes() -> Int {
        malloc_trim(0)
        let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        let text = withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
            String(decoding: buffer[..<max(0, read(descriptor, buffer.baseAddress, buffer.count))], as: UTF8.self)
        }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(getpagesize()) : 0
    }
}
