import CLibqrencode

/// A QR code of up to a few hundred bytes: a square of dark and light modules, by libqrencode.
struct QRCode: Equatable {
    /// Bytes that every version up to the library's largest takes at this level; a ticket's code has 67.
    static let bytesMax = 512
    /// Light modules around the code that readers rely on (ISO/IEC 18004).
    static let quietZone = 4

    /// Modules on a side.
    let width: Int
    /// Row by row; true for dark.
    private let modules: [Bool]

    /// With error correction of level M: 15 % of the code may be unreadable.
    /// - Precondition: 1 to `bytesMax` bytes.
    init(_ bytes: UnsafeRawBufferPointer) {
        precondition((1...Self.bytesMax).contains(bytes.count))
        let data = bytes.bindMemory(to: UInt8.self).baseAddress
        // The smallest version that takes them. It fails for want of memory only, which ends a Swift program anyway.
        guard let code = QRcode_encodeData(Int32(bytes.count), data, 0, QR_ECLEVEL_M) else {
            preconditionFailure("no QR code was made")
        }
        defer { QRcode_free(code) }
        width = Int(code.pointee.width)
        // The lowest bit of a module says whether it is dark, the others what it is for.
        modules = (0..<width * width).map { code.pointee.data[$0] & 1 == 1 }
    }

    func isDark(_ x: Int, _ y: Int) -> Bool { modules[y * width + x] }

    /// Stretches of dark modules of a row, left to right.
    func visitDark(row y: Int, _ body: (Range<Int>) -> Void) {
        var x = 0
        while x < width {
            guard isDark(x, y) else {
                x += 1
                continue
            }
            let start = x
            while x < width, isDark(x, y) { x += 1 }
            body(start..<x)
        }
    }
}

extension ByteWriter {
    /// The code as an SVG image: one path, a unit a module, that scales to any size.
    mutating func svg(_ code: QRCode) {
        let side = Int64(code.width + 2 * QRCode.quietZone)
        append("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ")
        append(decimal: side)
        append(" ")
        append(decimal: side)
        append("\" shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h")
        append(decimal: side)
        append("v")
        append(decimal: side)
        append("H0z\"/><path d=\"")
        for y in 0..<code.width { darkModules(row: y, of: code) }
        append("\"/></svg>")
    }

    private mutating func darkModules(row y: Int, of code: QRCode) {
        var runs: [Range<Int>] = []
        code.visitDark(row: y) { runs.append($0) }
        for run in runs {
            append("M")
            append(decimal: Int64(run.lowerBound + QRCode.quietZone))
            append(" ")
            append(decimal: Int64(y + QRCode.quietZone))
            append("h")
            append(decimal: Int64(run.count))
            append("v1h-")
            append(decimal: Int64(run.count))
            append("z")
        }
    }
}
