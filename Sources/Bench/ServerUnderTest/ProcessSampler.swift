import Glibc

/// Processor time and memory of another process, cheap enough to be read on the client's thread during a run: one
/// `pread` of an open `/proc/PID/stat`, nothing allocated. Coarse: processor time comes in ticks of 10 ms.
struct ProcessSampler: ~Copyable {
    struct Sample {
        var cpuNanoseconds: UInt64
        var residentBytes: UInt64
    }

    private let descriptor: Int32
    private let nanosecondsPerTick: UInt64
    private let bytesPerPage: UInt64

    /// Nil when there is no such process.
    init?(process: Int32) {
        let descriptor = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
        nanosecondsPerTick = UInt64(1_000_000_000 / sysconf(Int32(_SC_CLK_TCK)))
        bytesPerPage = UInt64(getpagesize())
    }

    deinit { close(descriptor) }

    /// Nil once the process has ended.
    borrowing func sample() -> Sample? {
        withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { buffer in
            let count = pread(descriptor, buffer.baseAddress, buffer.count, 0)
            guard count > 0 else { return nil }
            return Self.read(UnsafeRawBufferPointer(rebasing: buffer[..<count])).map { user, system, pages in
                Sample(
                    cpuNanoseconds: (user + system) * nanosecondsPerTick,
                    residentBytes: pages * bytesPerPage
                )
            }
        }
    }

    /// Fields 14, 15 and 24. The name in field 2 may hold spaces and parentheses, so counting starts after its last
    /// closing one, with field 3.
    static func read(_ stat: UnsafeRawBufferPointer) -> (user: UInt64, system: UInt64, pages: UInt64)? {
        guard let nameEnd = stat.lastIndex(of: UInt8(ascii: ")")), nameEnd + 2 < stat.count else { return nil }
        var field = 3
        var value: UInt64 = 0
        var found: (user: UInt64, system: UInt64, pages: UInt64) = (0, 0, 0)
        for byte in stat[(nameEnd + 2)...] {
            if 0x30...0x39 ~= byte {
                value = value &* 10 &+ UInt64(byte - 0x30)
                continue
            }
            guard byte == UInt8(ascii: " ") else { continue }
            switch field {
            case 14: found.user = value
            case 15: found.system = value
            case 24:
                found.pages = value
                return found
            default: break
            }
            field += 1
            value = 0
        }
        return nil
    }
}
