using Crosshead.Files;

namespace Crosshead.Tests.Files;

/// <summary>What killed processes left beside a file goes when it is written again.</summary>
public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Leftovers_of_a_file_are_removed_and_nothing_else_is()
    {
        File.WriteAllText(_folder.File("a.json.999.tmp"), "half");
        string[] others = ["a.json.bak", "a.json.x.tmp", "a.json.1.2.tmp", "ba.json.999.tmp", "b.json.999.tmp"];
        foreach (var name in others) File.WriteAllText(_folder.File(name), "mine");
        AtomicFile.WriteText(_folder.File("a.json"), "{}");
        Assert.Equal([.. others.Append("a.json").Order(StringComparer.Ordinal)], Names());
    }

    [Fact]
    public void A_file_that_another_process_writes_stays()
    {
        using var other = new FileStream(_folder.File("a.json.999.tmp"), FileMode.Create, FileAccess.Write,
            FileShare.None);
        AtomicFile.WriteText(_folder.File("a.json"), "{}");
        Assert.Equal(["a.json", "a.json.999.tmp"], Names());
    }

    [Fact]
    public void A_folder_that_cannot_be_written_names_itself_and_not_what_was_to_be_written_aside()
    {
        Assert.Equal("\"/proc/a.json\" was not written: the folder \"/proc\" takes no files; free space or name "
            + "another folder. What was there before is unchanged.",
            Assert.Throws<CrossheadException>(() => AtomicFile.WriteText("/proc/a.json", "{}")).Message);
    }

    private string[] Names() => [
        .. Directory.GetFileSystemEntries(_folder.Path).Select(e => Path.GetFileName(e)).Order(StringComparer.Ordinal)];
}
