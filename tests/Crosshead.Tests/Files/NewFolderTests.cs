using Crosshead.Files;

namespace Crosshead.Tests.Files;

/// <summary>One process at a time writes a model's folder, and none leaves anything beside it.</summary>
public sealed class NewFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Model => _folder.File("model");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_second_process_is_refused_while_the_first_works()
    {
        using (var place = NewFolder.Hold(Model))
        {
            Assert.Contains("is being written by another run",
                Assert.Throws<CrossheadException>(() => NewFolder.Hold(Model + "/")).Message);
            place.Write(folder => File.WriteAllText(Path.Combine(folder, "config.json"), "{}"));
        }
        Assert.Equal([Model], Directory.GetFileSystemEntries(_folder.Path));
        Assert.True(File.Exists(Path.Combine(Model, "config.json")));
        NewFolder.Hold(Model).Dispose();
    }

    [Fact]
    public void Work_that_fails_leaves_nothing()
    {
        Assert.Throws<CrossheadException>(() =>
        {
            using var place = NewFolder.Hold(Model);
            place.Write(_ => throw new IOException("No space left on device"));
        });
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_named_by_the_place_that_it_would_have_had()
    {
        using var place = NewFolder.Hold(Model);
        Assert.Contains($"\"{Model}/config.json\" was not written: No space left",
            Assert.Throws<CrossheadException>(() => place.Write(folder => AtomicFile.Write(
                Path.Combine(folder, "config.json"), _ => throw new IOException("No space left on device")))).Message);
        Assert.Equal($"\"{Model}\" was not written: No space left; free space or name another folder.",
            Assert.Throws<CrossheadException>(() => place.Write(folder => throw new IOException(
                $"No space left : '{folder}/x'"))).Message);
    }

    [Fact]
    public void What_a_killed_process_left_is_removed_and_nothing_else()
    {
        foreach (var name
            in new[] { "model.123.tmp", "model.123.old", "model.mine.tmp", "model..tmp", "model.tmp", "other.123.tmp" })
            Directory.CreateDirectory(_folder.File(name));
        File.WriteAllText(_folder.File("model.123.tmp/config.json"), "{}");
        NewFolder.Hold(Model).Dispose();
        Assert.Equal(["model..tmp", "model.123.old", "model.mine.tmp", "model.tmp", "other.123.tmp"],
            Directory.GetDirectories(_folder.Path).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal));
    }
}
