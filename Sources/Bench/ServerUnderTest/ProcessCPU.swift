import Glibc

/// Processor time of another process, read from `/proc`, summed over its threads.
///
/// `schedstat` counts in nanoseconds, of the threads that are alive: a server's serve as long as it does. Where
/// the kernel lacks it, `stat` counts in ticks of 10 ms.
enum ProcessCPU {
    struct Usage {
        var nanoseconds: UInt64
        /// The part of it spent in the kernel, in ticks of `stat` and so rounded to 10 ms.
        var systemNanoseconds: UInt64
        /// The part spent outside of it, rounded likewise.
        var userNanoseconds: UInt64 = 0

        func since(_ earlier: Usage) -> Usage {
            Usage(
                nanoseconds: nanoseconds - min(earlier.nanoseconds, nanoseconds),
                systemNanoseconds: systemNanoseconds - min(earlier.systemNanoseconds, systemNanoseconds),
                userNanoseconds: userNanoseconds - min(earlier.userNanoseconds, userNanoseconds)
            )
        }
    }

    static func usage(of process: Int32) -> Usage? {
        guard let stat = ProcFile.contents(of: "/proc/\(process)/stat"), let ticks = ticks(inStat: stat) else {
            return nil
        }
        let perTick = UInt64(1_000_000_000 / sysconf(Int32(_SC_CLK_TCK)))
        let threads = entries(of: "/proc/\(process)/task").compactMap { thread in
            ProcFile.contents(of: "/proc/\(process)/task/\(thread)/schedstat").flatMap(nanoseconds(inSchedstat:))
        }
        let precise = threads.reduce(0, +)
        let coarse = (ticks.user + ticks.system) * perTick
        return Usage(
            nanoseconds: precise > 0 ? precise : coarse,
            systemNanoseconds: ticks.system * perTick,
            userNanoseconds: ticks.user * perTick
        )
    }

    /// Fields 14 and 15 of `/proc/PID/stat`. The name in field 2 may hold spaces and parentheses, so counting
    /// starts after its last closing one.
    static func ticks(inStat text: String) -> (user: UInt64, system: UInt64)? {
        guard let nameEnd = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: nameEnd)...].split(separator: " ")
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return nil }
        return (user, system)
    }

    /// The first field: time on a processor in nanoseconds.
    static func nanoseconds(inSchedstat text: String) -> UInt64? {
        text.split(separator: " ").first.flatMap { UInt64($0) }
    }

    private static func entries(of path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
