using DistFS.Samples;

namespace DistFS.TestCluster.Tests;

/// <summary>What docs/samples shows works, on a real cluster.</summary>
public sealed class SampleTests(ClusterFixture fixture) : IClassFixture<ClusterFixture>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distfs-samples").FullName;
    private readonly StringWriter _output = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_file_is_copied_there_and_back_and_its_bytes_are_located()
    {
        var (local, back) = (Path.Combine(_folder, "local"), Path.Combine(_folder, "back"));
        var bytes = new byte[5_000_000];
        new Random(1).NextBytes(bytes);
        await File.WriteAllBytesAsync(local, bytes);
        await CopyAFile.RunAsync(fixture.Client, local, "/sample", back, _output);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(back));
        await ReadLocality.RunAsync(fixture.Client, "/sample", _output);
        Assert.Contains("0 +5000000: 127.0.0.1:", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains(Convert.ToHexString(bytes.AsSpan(0, 16)), _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tree_is_walked()
    {
        await fixture.Client.CreateDirectoryAsync("/samples/below", withParents: true);
        await AppendRecords.RunAsync(fixture.Client, "/samples/below/log", 100, _output);
        await WalkATree.RunAsync(fixture.Client, "/samples", _output);
        var size = (await fixture.Client.StatAsync("/samples/below/log")).Size;
        Assert.Contains($"1 files in 2 directories, {size} bytes", _output.ToString(), StringComparison.Ordinal);
        await using var file = await fixture.Client.OpenReadAsync("/samples/below/log");
        using var reader = new StreamReader(file.AsStream(), leaveOpen: true);
        Assert.Equal(100, (await reader.ReadToEndAsync()).Count(static letter => letter == '\n'));
    }

    [Fact]
    public async Task A_lock_lets_one_after_the_other_count()
    {
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ =>
            LockWithAToken.RunAsync(fixture.Client, "/counter", TextWriter.Synchronized(_output))));
        Assert.Equal(
            Enumerable.Range(1, 5).Select(static i => $"count {i}"),
            _output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }
}
