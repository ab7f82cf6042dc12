/// Reads the durable part of a log, while the log goes on. For one thread at a time.
public protocol RecordReader: AnyObject {
    /// Hands out durable records in order, from `first` on.
    ///
    /// Ends at the watermark as it stood at the call, behind the record with which `bytesMax` bytes are reached, or
    /// when `body` says so. The bytes are valid inside `body` only.
    ///
    /// - Parameters:
    ///   - first: position of the first record; 0 means 1.
    ///   - bytesMax: of records, frames included; at least one record is handed out where there is one.
    ///   - body: false ends the reading behind this record.
    /// - Returns: the position to go on from: one behind the last record handed out, or `first`.
    /// - Throws: `LogError.gone` when the log no longer has the record, `corrupt` or `system` when it can't be read; what
    ///   `body` throws. Damage is never taken for the end.
    func read(
        from first: LogPosition,
        bytesMax: Int,
        _ body: (LogPosition, UnsafeRawBufferPointer) throws -> Bool
    ) throws -> LogPosition

    /// Holds no file open until the next `read`: a file that the log has let go of takes room as long as it is open.
    func rest()
}
