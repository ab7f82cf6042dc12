/// The batch at the end of the log: the only one of which nothing later says that it is durable.
///
/// If its sync failed, or the process died in it, what is read now may be nowhere but in the page cache, and another
/// sync may say that all is well. So a start writes it again, the same bytes in the same place, before anything is built
/// on it: otherwise a later power loss would take away what was answered in between.
struct LastBatch {
    /// The segment's file name.
    let segment: String
    let offset: Int
    let byteCount: Int

    func writeAgain(in folder: LogFolder) throws(LogError) {
        let buffer = AlignedBuffer(byteCount: byteCount)
        let source = try folder.open(segment, .read)
        let count = try source.read(into: buffer.bytes, at: offset)
        source.close()
        guard count == byteCount else {
            throw LogError.corrupt(file: source.path, offset: offset, reason: "its last batch has become shorter")
        }
        let file = try folder.open(segment, .update)
        defer { file.close() }
        try file.write(UnsafeRawBufferPointer(buffer.bytes), at: offset)
        try file.sync()
    }
}
