using System.Text;
using Crosshead.Data.Corpora;

namespace Crosshead.Tests.Data.Corpora;

public sealed class ReferencePackCorpusTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("crosshead-packs").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string Write(string pack, string version, string file, string members)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_root, pack, version, "ref", "net10.0")).FullName;
        var path = Path.Combine(folder, file);
        File.WriteAllText(path, $"<doc><members>{members}</members></doc>");
        return path;
    }

    private static string Member(string name, string summary) =>
        $"<member name=\"{name}\"><summary>{summary}</summary></member>";

    private static string Sentence(string word) =>
        $"The {word} holds everything that a reader of this long sentence could ever wish to know about such a thing.";

    [Fact]
    public void A_type_and_its_members_are_one_document_with_the_name_on_top()
    {
        Write("A.Ref", "1.0.0", "a.xml",
            Member("T:N.Rope", Sentence("rope")) + Member("T:N.Knot", Sentence("knot"))
                + Member("M:N.Rope.Cut(System.Int32)", "Cuts the rope."));
        Assert.Equal(
            [$"N.Rope\n\n{Sentence("rope")}\n\nCut\nCuts the rope.\n", $"N.Knot\n\n{Sentence("knot")}\n"],
            ReferencePackCorpus.Find([_root]).Documents());
    }

    [Fact]
    public void What_was_said_before_is_left_out_even_with_other_numbers()
    {
        Write("A.Ref", "1.0.0", "a.xml",
            Member("T:N.A", Sentence("rope")) + Member("M:N.A.Read16", "Reads a 16-bit value.")
                + Member("M:N.A.Read32", "Reads a 32-bit value."));
        Write("A.Ref", "1.0.0", "b.xml", Member("T:N.B", Sentence("rope")));
        Assert.Equal([$"N.A\n\n{Sentence("rope")}\n\nRead16\nReads a 16-bit value.\n"],
            ReferencePackCorpus.Find([_root]).Documents());
    }

    [Fact]
    public void Of_each_pack_the_newest_version_is_read_and_the_base_pack_first()
    {
        Write("Extra.Ref", "9.0.11", "e.xml", "");
        Write("Extra.Ref", "10.0.0-rc.2", "e.xml", "");
        var extra = Write("Extra.Ref", "10.0.2", "e.xml", "");
        var core = Write("Microsoft.NETCore.App.Ref", "10.0.0-preview.1", "c.xml", "");
        Directory.CreateDirectory(Path.Combine(_root, "Empty.Ref", "1.0.0"));
        Assert.Equal([core, extra], ReferencePackCorpus.Find([Path.Combine(_root, "absent"), _root]).Files);
    }

    [Theory]
    [InlineData("10.0.2", "9.0.11")]
    [InlineData("10.0.10", "10.0.9")]
    [InlineData("10.0.0", "10.0.0-rc.2")]
    [InlineData("10.0.0-rc.10", "10.0.0-rc.9")]
    [InlineData("1.0.0", "junk")]
    public void Versions_are_ordered(string newer, string older)
    {
        Assert.True(ReferencePacks.CompareVersions(newer, older) > 0);
        Assert.True(ReferencePacks.CompareVersions(older, newer) < 0);
    }

    [Fact]
    public void A_long_type_is_several_documents_each_with_its_name()
    {
        var words = Enumerable.Range(0, 100).Select(i => $"{(char)('a' + i / 26)}{(char)('a' + i % 26)}");
        Write("A.Ref", "1.0.0", "a.xml", string.Concat(words.Select(w => Member($"M:N.A.{w}", Sentence(w)))));
        var documents = ReferencePackCorpus.Find([_root]).Documents().ToArray();
        Assert.InRange(documents.Length, 3, 5);
        Assert.All(documents, d => Assert.StartsWith("N.A\n\n", d, StringComparison.Ordinal));
        Assert.All(documents, d => Assert.InRange(d.Length, 1, ReferencePackCorpus.DocumentLength + 200));
    }

    [Fact]
    public void Without_packs_the_error_names_the_places_and_the_way_out()
    {
        var error = Assert.Throws<CrossheadException>(() => ReferencePackCorpus.Find([_root, "/nowhere"]));
        Assert.Contains(_root, error.Message, StringComparison.Ordinal);
        Assert.Contains("/nowhere", error.Message, StringComparison.Ordinal);
        Assert.Contains("`Text`", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData("<doc><members><member name=\"T:A\"><summary>cut off")]
    [InlineData("")]
    [InlineData("\0\0\u0001binary")]
    public void A_broken_file_is_named(string content)
    {
        var file = Write("A.Ref", "1.0.0", "a.xml", "");
        File.WriteAllText(file, content);
        var error = Assert.Throws<CrossheadException>(() => ReferencePackCorpus.Find([_root]).Documents().ToArray());
        Assert.Contains(file, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void A_limit_below_one_is_refused()
    {
        Write("A.Ref", "1.0.0", "a.xml", "");
        Assert.Throws<CrossheadException>(() => ReferencePackCorpus.Find([_root]).Documents(0));
    }

    [Fact]
    public void This_machines_packs_give_clean_English()
    {
        if (ReferencePacks.Files(ReferencePacks.Folders()).Count == 0)
            Assert.Skip("no reference packs on this machine");
        var documents = ReferencePackCorpus.Find().Documents(2_000_000).ToArray();
        Assert.Equal(documents, ReferencePackCorpus.Find().Documents(2_000_000));
        var bytes = documents.Sum(d => (long)Encoding.UTF8.GetByteCount(d));
        Assert.InRange(bytes, 2_000_000, 2_000_000 + 4 * (ReferencePackCorpus.DocumentLength + 2000));
        var text = string.Concat(documents);
        Assert.DoesNotContain("<see ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("  ", text, StringComparison.Ordinal);
        // Letters, blanks and ordinary marks are what English is made of.
        Assert.True(
            text.Count(c => char.IsLetter(c) || c is ' ' or '.' or ',' or '\n' or '-' or ':') > 0.97 * text.Length);
        Assert.Equal(documents.Length, documents.Distinct().Count());
    }
}
