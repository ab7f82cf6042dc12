import Foundation
import Testing

@testable import Engine

/// Attributes are shown between an answer's own members: they must be members themselves.
@Suite struct AttributeTextTests {
    private static func deep(_ levels: Int) -> String {
        "\"a\":" + String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }

    @Test(arguments: [
        "", #""a":1"#, #""a":1,"b":[true,false,null]"#, #" "a" : { "b" : [ ] , "c" : { } } , "d":"x" "#,
        #""":-0.5e+10,"0":0,"1":-0,"2":1E2"#, #""\u00e9\n":"\ud83d\ude00","é":"日本""#, #""a\"b":"\\""#,
        #""a":{"x":1,"x":2}"#, deep(31),
    ])
    func members(_ text: String) throws {
        #expect(AttributeText.isWellFormed(text))
        _ = try JSONSerialization.jsonObject(with: Data("{\(text)}".utf8))
    }

    @Test(arguments: [
        "x", " ", ",", #""a""#, #""a":"#, #""a":1,"#, #","a":1"#, #""a":1,,"b":2"#, #""a":1}"#, #"{"a":1}"#, #""a":1]"#,
        #""a":1 2"#, #""a":[1,]"#, #""a":{"b"}"#, #""a":{"b":1,}"#, #""a":tru"#, #""a":nul"#, #""a":01"#, #""a":+1"#,
        #""a":.5"#, #""a":1."#, #""a":1e"#, #""a":-"#, #""a":"x"#, "\"a\":\"\n\"", #""a":"\x""#, #""a":"\u12""#,
        #""a":"\ud83d""#, #""a":"\ude00\ud83d""#, #""a":"\ud83d\u0041""#, #""a":1,"a":2"#, #""a":1,"\u0061":2"#,
        #"a:1"#, #"'a':1"#, #""a":1 // x"#, deep(32),
    ])
    func others(_ text: String) { #expect(!AttributeText.isWellFormed(text)) }
}
