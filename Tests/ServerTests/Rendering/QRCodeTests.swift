import Foundation
import Testing

@testable import Engine
@testable import Server

/// A ticket's image says what scanners are to send: as its modules, and as a reader of somebody else's reads it.
@Suite struct QRCodeTests {
    private static let view = TicketView(
        place: TicketPlace(id: TicketID(3, of: KnownIDs.hold), section: 0, seat: nil),
        orderSecret: nil,
        holder: "ben",
        status: .issued,
        code: TicketCode(high: 0x0123_4567_89ab_cdef, low: 0xfedc_ba98_7654_3210)
    )

    private var scanCode: String {
        var bytes = [UInt8](repeating: 0, count: PublicIdentifiers.scanCharacters)
        bytes.withUnsafeMutableBytes { PublicIdentifiers.writeScan(Self.view.place.id, Self.view.code, into: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The dark modules of an image, without the margin, from its path.
    private func modules(_ svg: String) throws -> [[Bool]] {
        let side = try #require(svg.firstMatch(of: /viewBox="0 0 (\d+) \1"/).flatMap { Int($0.1) })
        var modules = Array(repeating: Array(repeating: false, count: side), count: side)
        for run in svg.matches(of: /M(\d+) (\d+)h(\d+)v1h-\3z/) {
            let (x, y, count) = (Int(run.1)!, Int(run.2)!, Int(run.3)!)
            for column in x..<x + count { modules[y][column] = true }
        }
        return modules
    }

    private func image() throws -> Response { try response(.finding(.ticket(Self.view)), reply(.image)) }

    @Test func theImageHasTheModulesOfTheCode() throws {
        let image = try image()
        #expect(image.status == 200 && image.fields["Content-Type"] == "image/svg+xml")
        let modules = try modules(image.body)
        var text = scanCode
        let code = text.withUTF8 { QRCode(UnsafeRawBufferPointer($0)) }
        // Version 5: 37 modules, and the margin.
        #expect(code.width == 37 && modules.count == 45)
        for (y, row) in modules.enumerated() {
            for (x, isDark) in row.enumerated() {
                let isInside = (4..<41).contains(x) && (4..<41).contains(y)
                #expect(isDark == (isInside && code.isDark(x - 4, y - 4)), "\(x), \(y)")
            }
        }
    }

    @Test func theImageIsKnownAgainAndNotMadeOfARefundedTicket() throws {
        let tag = try #require(try image().fields["ETag"])
        let again = try response(.finding(.ticket(Self.view)), reply(.image, known: tag))
        #expect(again.status == 304 && again.body.isEmpty)
        var passed = Self.view
        passed.code = TicketCode(high: 1, low: 2)
        #expect(try response(.finding(.ticket(passed)), reply(.image, known: tag)).status == 200)
        passed.status = .refunded
        #expect(try response(.finding(.ticket(passed)), reply(.image)).status == 409)
    }

    private static let reader = "/usr/bin/zbarimg"

    /// zbar knows nothing of libqrencode. `script/test` installs it.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: reader)))
    func aReaderReadsWhatTheServerVerifies() throws {
        let modules = try modules(try image().body)
        let file = FileManager.default.temporaryDirectory.appending(path: "holdfast-\(UUID().uuidString).pgm")
        defer { try? FileManager.default.removeItem(at: file) }
        let scale = 6
        let side = modules.count * scale
        var picture = Array("P5 \(side) \(side) 255\n".utf8)
        for y in 0..<side {
            for x in 0..<side { picture.append(modules[y / scale][x / scale] ? 0 : 255) }
        }
        try Data(picture).write(to: file)
        let process = Process()
        process.executableURL = URL(filePath: Self.reader)
        process.arguments = ["--quiet", "--raw", "--nodbus", file.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let read = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let text = read.trimmingCharacters(in: .newlines)
        #expect(text == scanCode)
        let scan = Array(text.utf8).withUnsafeBytes { PublicIdentifiers.scan($0) }
        #expect(scan?.id == Self.view.place.id && scan?.code == Self.view.code)
    }
}
