import Testing

@testable import Server

@Suite struct TargetTests {
    private func segments(_ path: String) throws(PathSegments.Failure) -> [String] {
        let bytes = Array(path.utf8)
        let result = bytes.withUnsafeBytes { bytes -> Result<[String], PathSegments.Failure> in
            Result { () throws(PathSegments.Failure) in
                let segments = try PathSegments(bytes)
                return (0..<segments.count).map { segments[$0].makeString() }
            }
        }
        return try result.get()
    }

    @Test func pathsAreSplitBeforeTheyAreDecoded() throws {
        #expect(try segments("/") == [])
        #expect(try segments("/api/v1/events/evt_1") == ["api", "v1", "events", "evt_1"])
        #expect(try segments("/a%2Fb/%C3%A9/c+d") == ["a/b", "é", "c+d"])
        #expect(try segments("/1/2/3/4/5/6/7/8").count == 8)
    }

    @Test(arguments: ["/1/2/3/4/5/6/7/8/9", "//", "/a/", "/a//b"])
    func pathsThatLeadNowhere(path: String) {
        #expect(throws: PathSegments.Failure.notFound) { try segments(path) }
    }

    @Test(arguments: [
        "/%", "/%2", "/%zz", "/%00", "/%1f", "/%7F", "/%C3", "/%C0%AF", "/%ED%A0%80", "/.", "/a/..", "/%2e%2E",
    ])
    func malformedPaths(path: String) {
        #expect(throws: PathSegments.Failure.malformed) { try segments(path) }
    }

    private func pairs(_ query: String) throws -> [String] {
        var query = query
        return try query.withUTF8 { utf8 in
            var reader = QueryString(UnsafeRawBufferPointer(utf8))
            var pairs: [String] = []
            while let pair = try reader.next() { pairs.append(pair.name.makeString() + "→" + pair.value.makeString()) }
            return pairs
        }
    }

    @Test func queriesAreReadPairByPair() throws {
        #expect(try pairs("") == [])
        #expect(try pairs("limit=50&cursor=a%3D+b&flag&x=&y==1") == ["limit→50", "cursor→a= b", "flag→", "x→", "y→=1"])
    }

    @Test(arguments: ["&", "a=1&", "&a=1", "a=1&&b=2", "=1", "a=%", "a=%0a", "a=%ff"])
    func malformedQueries(query: String) {
        #expect(throws: QueryString.Failure.malformed) { try pairs(query) }
    }

    @Test func oneValueAmongAll() throws {
        func limit(_ query: String) throws -> Int64? {
            var query = query
            return try query.withUTF8 {
                try QueryString(UnsafeRawBufferPointer($0)).value(of: "limit")?.integer(in: 1...200)
            }
        }
        #expect(try limit("a=1&limit=200") == 200)
        #expect(try limit("limi%74=7") == 7)
        #expect(try limit("limit=201") == nil)
        #expect(try limit("limit=-1") == nil)
        #expect(try limit("limit=9999999999999999999") == nil)
        #expect(throws: QueryString.Failure.duplicate) { try limit("limit=1&limit=1") }
        #expect(throws: QueryString.Failure.tooManyPairs) {
            try limit(String(repeating: "a=1&", count: 32) + "limit=1")
        }
    }
}
