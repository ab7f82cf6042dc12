/// Which snapshot recovery begins with: the newest that is whole and that the log continues.
struct SnapshotChoice {
    /// Newest first; the first one was read from end to end. Of those behind it only both ends were: they are needed
    /// when a newer one is damaged.
    private(set) var usable: [Manifest.Snapshot] = []
    private(set) var notices: [String] = []

    init(of contents: FolderContents, in folder: LogFolder) throws(LogError) {
        for position in contents.snapshots {
            do throws(LogError) {
                let fileBytes = try Self.check(
                    position,
                    in: folder,
                    isFirst: usable.isEmpty,
                    contents.manifest.identity
                )
                usable.append(Manifest.Snapshot(position: position, fileBytes: fileBytes))
            } catch {
                // A read error is not damage: trying again may give the newer state.
                guard case .corrupt = error else { throw error }
                notices.append("a snapshot was passed over: \(error)")
            }
        }
        noteMissing(contents, in: folder)
        try requireLog(contents, in: folder)
    }

    /// Snapshots have their names before the manifest lists them, and lose them after it no longer does. A folder with a
    /// newer one than it lists is ahead of it, and may have let go of what it lists.
    private mutating func noteMissing(_ contents: FolderContents, in folder: LogFolder) {
        let listed = contents.manifest.snapshots.map(\.position)
        guard contents.snapshots.first ?? 0 <= listed.first ?? 0 else { return }
        for position in listed where !contents.snapshots.contains(position) {
            let path = folder.path(of: LogFolder.snapshotName(position))
            notices.append("a snapshot is missing: the manifest lists \(path) and the folder has no such file")
        }
    }

    private static func check(
        _ position: UInt64,
        in folder: LogFolder,
        isFirst: Bool,
        _ identity: LogIdentity
    ) throws(LogError) -> UInt64 {
        let reader = try SnapshotReader(in: folder, position: position, identity: identity)
        defer { reader.close() }
        if isFirst { try reader.verify() } else { try reader.verifyEnd() }
        return UInt64(reader.byteCount)
    }

    /// A log whose beginning was let go needs a snapshot that reaches to where it begins.
    private func requireLog(_ contents: FolderContents, in folder: LogFolder) throws(LogError) {
        guard let oldest = contents.segments.first, oldest.start.nextPosition > 1 else { return }
        if let newest = usable.first, newest.position + 1 >= oldest.start.nextPosition { return }
        let listed = contents.manifest.snapshots.first?.position ?? oldest.start.nextPosition - 1
        throw LogError.corrupt(
            file: folder.path(of: LogFolder.snapshotName(listed)),
            offset: 0,
            reason: "the log begins with record \(oldest.start.nextPosition) and no whole snapshot covers what was "
                + "before it" + (notices.isEmpty ? "" : " (\(notices.joined(separator: "; ")))")
        )
    }
}
