using System.Text;
using Crosshead.Files;

namespace Crosshead.Tests.Files;

/// <summary>A mark at the start of a text is no part of it, for every reader.</summary>
public sealed class TextFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(_folder.File(name), bytes);
        return _folder.File(name);
    }

    [Fact]
    public void A_mark_is_left_out_and_does_not_count()
    {
        byte[] mark = [0xEF, 0xBB, 0xBF], text = [.. "naïve\nend"u8];
        Assert.Equal("naïve\nend", TextFile.Read(Write("a", [.. mark, .. text])));
        Assert.Equal("naïve\nend", TextFile.Read(Write("b", text)));
        Assert.Equal("na", TextFile.Read(_folder.File("a"), 3)); // ï is cut
        Assert.Equal("na", TextFile.Read(_folder.File("b"), 3));
        Assert.Equal("\uFEFFx", TextFile.Read(Write("c", [.. mark, .. mark, .. "x"u8]))); // only one is a mark
        Assert.Equal(["naïve", "end"], TextFile.ReadLines(_folder.File("a")));
        Assert.Equal("x", TextFile.WithoutMark("\uFEFFx"));
    }

    [Fact]
    public void What_is_no_utf8_text_is_refused_in_one_line()
    {
        Refused("is UTF-16 text", Encoding.Unicode.GetPreamble(), Encoding.Unicode.GetBytes("abc"));
        Refused("is UTF-16 text", Encoding.BigEndianUnicode.GetPreamble(), Encoding.BigEndianUnicode.GetBytes("abc"));
        Refused("is no UTF-8 text", Encoding.Unicode.GetBytes("abc")); // without a mark: NUL
        Refused("is no UTF-8 text", [0x61, 0xE9, 0x62]);
        Refused("is empty", []);
        Refused("is empty", [0xEF, 0xBB, 0xBF]);
        Assert.Contains("does not exist",
            Assert.Throws<CrossheadException>(() => TextFile.Read(_folder.File("none"))).Message);
        Assert.Contains("is a folder", Assert.Throws<CrossheadException>(() => TextFile.Read(_folder.Path)).Message);

        void Refused(string told, params byte[][] parts)
        {
            var path = Write("bad", [.. parts.SelectMany(p => p)]);
            var message = Assert.Throws<CrossheadException>(() => TextFile.Read(path)).Message;
            Assert.Contains(told, message);
            Assert.Contains(path, message);
            Assert.DoesNotContain('\n', message);
        }
    }
}
