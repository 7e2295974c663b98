using System.Diagnostics;
using Crosshead.Files;

namespace Crosshead.Tests.Files;

/// <summary>One writer a folder.</summary>
public sealed class FolderLockTests
{
    [Fact]
    public void A_folder_that_is_held_is_refused_until_it_is_let_go()
    {
        using var folder = new TemporaryFolder();
        using (FolderLock.Take(folder.Path))
        {
            var refused = Assert.Throws<CrossheadException>(() => FolderLock.Take(folder.Path));
            Assert.Contains("another run", refused.Message);
            Assert.Contains(folder.Path, refused.Message);
        }
        FolderLock.Take(folder.Path).Dispose();
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Another_process_is_refused_too()
    {
        using var folder = new TemporaryFolder();
        using var other = Process.Start(
            new ProcessStartInfo("flock", ["--close", folder.Path, "sh", "-c", "echo held; read line"])
            {
                RedirectStandardOutput = true,
                RedirectStandardInput = true,
            })!;
        Assert.Equal("held", other.StandardOutput.ReadLine());
        Assert.Throws<CrossheadException>(() => FolderLock.Take(folder.Path));
        other.Kill(entireProcessTree: true);
        other.WaitForExit();
        FolderLock.Take(folder.Path).Dispose();
    }

    [Fact]
    public void A_folder_made_for_nothing_goes_and_one_with_contents_stays()
    {
        using var folder = new TemporaryFolder();
        var (empty, full) = (Path.Combine(folder.Path, "empty"), Path.Combine(folder.Path, "full"));
        FolderLock.Take(empty).Dispose();
        Assert.False(Directory.Exists(empty));
        FolderLock.Take(Path.Combine(folder.Path, "above", "and", "below") + "/").Dispose();
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "above")));
        using (FolderLock.Take(full)) File.WriteAllText(Path.Combine(full, "file"), "");
        Assert.True(Directory.Exists(full));
    }

    [Fact]
    public void A_file_is_no_folder()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "file");
        File.WriteAllText(file, "");
        Assert.Contains("cannot be made", Assert.Throws<CrossheadException>(() => FolderLock.Take(file)).Message);
    }
}
