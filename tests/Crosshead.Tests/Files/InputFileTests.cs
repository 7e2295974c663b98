using System.Net.Sockets;
using Crosshead.Files;

namespace Crosshead.Tests.Files;

/// <summary>What is not a file is refused before it is opened.</summary>
public sealed class InputFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_is_read_also_through_links_and_when_it_is_empty()
    {
        var path = _folder.Write("ünï.txt", "text\nline");
        File.CreateSymbolicLink(_folder.File("link"), path);
        Assert.Equal("text\nline", InputFile.ReadText(_folder.File("link")));
        Assert.Equal(["text", "line"], InputFile.ReadLines(path));
        Assert.Empty(InputFile.ReadBytes(_folder.Write("empty", "")));
        Assert.NotEmpty(InputFile.ReadText("/proc/self/status")); // a file without a length
    }

    [Fact]
    public void What_is_missing_is_told_by_the_system() =>
        Assert.Throws<FileNotFoundException>(() => InputFile.ReadText(_folder.File("missing")));

    [Fact]
    public void A_pipe_is_refused_without_waiting_for_a_writer()
    {
        var path = NamedPipe.In(_folder);
        File.CreateSymbolicLink(_folder.File("link"), path);
        Assert.Equal($"\"{path}\" is a pipe, not a file; name or put a file in its place.", Refusal(path));
        Assert.Contains("link\" is a pipe, not a file", Refusal(_folder.File("link")));
    }

    [Fact]
    public void A_socket_is_refused()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_folder.File("socket")));
        Assert.Contains("socket\" is a socket, not a file", Refusal(_folder.File("socket")));
    }

    [Fact]
    public void A_device_is_refused() => Assert.Contains("\"/dev/zero\" is a device, not a file", Refusal("/dev/zero"));

    [Fact]
    public void A_folder_is_refused() => Assert.Contains("\" is a folder, not a file", Refusal(_folder.Path));

    [Fact]
    public void What_stands_in_the_place_of_a_file_or_a_folder_is_told()
    {
        File.CreateSymbolicLink(_folder.File("link"), _folder.File("none"));
        Assert.Equal("is a folder", InputFile.Absence(_folder.Path));
        Assert.Equal("is a file", InputFile.Absence(_folder.Write("file", "")));
        Assert.Equal("does not exist", InputFile.Absence(_folder.File("none")));
        Assert.Equal("is a symbolic link to what cannot be reached", InputFile.Absence(_folder.File("link")));
    }

    [Fact]
    public void A_link_that_leads_nowhere_is_known()
    {
        File.CreateSymbolicLink(_folder.File("a"), _folder.File("b"));
        File.CreateSymbolicLink(_folder.File("b"), _folder.File("a"));
        File.CreateSymbolicLink(_folder.File("c"), _folder.File("none"));
        File.CreateSymbolicLink(_folder.File("d"), _folder.Path);
        Assert.True(InputFile.IsBrokenLink(_folder.File("a")));
        Assert.True(InputFile.IsBrokenLink(_folder.File("c")));
        Assert.False(InputFile.IsBrokenLink(_folder.File("d")));
        Assert.False(InputFile.IsBrokenLink(_folder.File("none")));
        Assert.False(InputFile.IsBrokenLink(_folder.Path));
    }

    private static string Refusal(string path) =>
        Assert.Throws<CrossheadException>(() => InputFile.ReadText(path)).Message;
}
