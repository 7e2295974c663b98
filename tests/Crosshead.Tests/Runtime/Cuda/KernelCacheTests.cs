using Crosshead.Runtime.Cuda;

namespace Crosshead.Tests.Runtime.Cuda;

public sealed class KernelCacheTests : IDisposable
{
    private static readonly string[] s_options = ["--gpu-architecture=sm_90a", "-DWIDTH=64"];

    private readonly TemporaryFolder _folder = new();
    private int _compiled;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_was_compiled_once_is_read_afterwards_also_by_another_process()
    {
        Assert.Equal([1, 2, 3], Get());
        Assert.Equal([1, 2, 3], Get());
        Assert.Equal(1, _compiled);
        Assert.EndsWith(".cubin", Assert.Single(Files()));
    }

    [Fact]
    public void Everything_the_code_depends_on_tells_files_apart()
    {
        Get();
        Get(source: "other");
        Get(options: ["--gpu-architecture=sm_80", "-DWIDTH=64"]);
        Get(options: ["--gpu-architecture=sm_90a-DWIDTH=64"]);
        Get(version: (12, 9));
        Assert.Equal(5, _compiled);
        Assert.Equal(5, Files().Length);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(48)]
    [InlineData(50)]
    public void A_torn_file_is_compiled_again_and_replaced(int length)
    {
        Get();
        var whole = File.ReadAllBytes(Files()[0]);
        Assert.True(length < whole.Length);
        File.WriteAllBytes(Files()[0], whole[..length]);
        Assert.Equal([1, 2, 3], Get());
        Assert.Equal(2, _compiled);
        Assert.Equal(whole, File.ReadAllBytes(Files()[0]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(48)]
    public void A_file_with_a_changed_byte_is_compiled_again(int position)
    {
        Get();
        var file = File.ReadAllBytes(Files()[0]);
        file[position] ^= 1;
        File.WriteAllBytes(Files()[0], file);
        Assert.Equal([1, 2, 3], Get());
        Assert.Equal(2, _compiled);
    }

    [Fact]
    public void A_folder_that_cannot_be_written_costs_a_compilation_each_time()
    {
        File.WriteAllText(_folder.File("kernels"), "a file in the folder's place");
        Assert.Equal([1, 2, 3], Get());
        Assert.Equal([1, 2, 3], Get());
        Assert.Equal(2, _compiled);
    }

    [Fact]
    public void A_failed_compilation_leaves_no_file()
    {
        var cache = new KernelCache(_folder.File("kernels"));
        Assert.Throws<CrossheadException>(
            () => cache.Get("source", s_options, (13, 0), () => throw new CrossheadException("does not compile.")));
        Assert.False(Directory.Exists(_folder.File("kernels")));
    }

    private string[] Files() => Directory.GetFiles(_folder.File("kernels"));

    private byte[] Get(string source = "source", string[]? options = null, (int, int)? version = null) =>
        new KernelCache(_folder.File("kernels")).Get(source, options ?? s_options, version ?? (13, 0), () =>
        {
            _compiled++;
            return [1, 2, 3];
        });
}
