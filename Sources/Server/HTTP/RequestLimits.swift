/// How large a request may be. Beyond a limit it is refused before more of it is read.
struct RequestLimits: Sendable {
    /// Request line in bytes, its CRLF included. Beyond: 414.
    var requestLineBytesMax = 8 * 1024
    /// Request line, header fields and the empty line together, in bytes. Beyond: 431.
    var headBytesMax = 16 * 1024
    /// Number of header fields. Beyond: 431.
    var headerFieldsMax = 100
    /// Body in bytes, for every route that has no limit of its own. Beyond: 413.
    var bodyBytesMax = 64 * 1024
    /// The limit of one route in bytes, asked only for bodies beyond `bodyBytesMax`; gets the path as it was sent.
    var bodyBytesMaxOfRoute: (@Sendable (HTTPMethod, UnsafeRawBufferPointer) -> Int)?
}
