/// Resident memory of another process, exact: the kernel adds up its pages, which takes it milliseconds, so this is
/// for before and after a run.
enum ProcessMemory {
    static func residentBytes(of process: Int32) -> UInt64? {
        ProcFile.contents(of: "/proc/\(process)/smaps_rollup").flatMap(residentBytes(inSmapsRollup:))
    }

    /// The line `Rss:    123456 kB`.
    static func residentBytes(inSmapsRollup text: String) -> UInt64? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Rss:") }) else { return nil }
        return line.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }.map { $0 * 1024 }
    }
}
