/// Copies a log as it was at a position into another folder.
public enum LogRestore {
    /// - Parameters:
    ///   - examination: of the source.
    ///   - position: of the last record to keep.
    ///   - snapshots: positions of the snapshots to take along: those with nothing from behind `position`.
    ///   - target: an empty folder that nobody else writes.
    /// - Throws: `LogRefusal` when the log can't be read up to there, or there is no room.
    public static func run(
        from examination: LogExamination,
        at position: UInt64,
        keepingSnapshots snapshots: Set<UInt64>,
        to target: NewFolder
    ) throws {
        let source = examination.log.folder
        let folder = LogFolder(path: target.partialPath, device: source.device)
        // Later segments hold later records only.
        let segments = examination.log.parts.filter { $0.header.start.nextPosition <= position + 1 }.map(\.name)
        let names = snapshots.sorted().map(LogFolder.snapshotName) + segments
        var byteCount = LogFormat.batchBytesMax
        for name in names { byteCount += try source.byteCount(of: name) }
        try folder.requireRoom(for: byteCount)
        for name in names { try source.copy(name, to: folder) }
        // The same as in the source, and then a cut.
        let planner = RepairPlanner(log: try LogParts(of: folder), random: RandomSource(fixed: nil))
        let plan = try planner.plan(.truncate(at: position, keepingSnapshots: snapshots))
        for step in plan.steps { try folder.perform(step) }
    }
}
