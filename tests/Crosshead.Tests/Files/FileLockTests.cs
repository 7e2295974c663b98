using Crosshead.Files;

namespace Crosshead.Tests.Files;

public sealed class FileLockTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Files_are_held_until_the_lock_is_disposed_and_nothing_is_left()
    {
        var (one, two) = (_folder.File("one"), _folder.File(Path.Combine("new", "zwei ü")));
        var three = _folder.File("three");
        using (FileLock.Take(one, two))
        {
            Assert.Equal($"\"{two}\" is being written by another run; wait for its end or stop it, or name another "
                + "file.", Assert.Throws<CrossheadException>(() => FileLock.Take(three, two)).Message);
            FileLock.Take(three).Dispose(); // what was taken before the refusal is free
        }
        FileLock.Take(one, two, three).Dispose();
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_file_has_one_lock_however_it_is_written()
    {
        using var held = FileLock.Take(_folder.File("file"));
        Assert.Throws<CrossheadException>(() => FileLock.Take(_folder.File(Path.Combine("a", "..", "file"))));
    }
}
