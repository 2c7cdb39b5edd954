using System.Text;
using DistFS.Client.Names;
using DistFS.Client.Tests.Leases;

namespace DistFS.Client.Tests.Names;

/// <summary>
/// Two clients of a metaserver as it ships: what the one knows of paths is what the other has left there.
/// </summary>
public sealed class PathCacheTests : IAsyncLifetime, IAsyncDisposable
{
    private LeasesOfACluster _cluster = null!;
    private DistFsClient _one = null!;
    private DistFsClient _two = null!;

    public async Task InitializeAsync()
    {
        _cluster = await LeasesOfACluster.StartAsync();
        (_one, _two) = (await ConnectAsync(), await ConnectAsync());
        await _two.CreateDirectoryAsync("/a/b", withParents: true);
        await PutAsync(_two, "/a/b", "file", "12345");
    }

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public async ValueTask DisposeAsync()
    {
        await _one.DisposeAsync();
        await _two.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task What_is_looked_at_again_and_again_is_not_asked_for()
    {
        await KnowAsync("/a/b/file");
        var before = _one.Paths;
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(5, (await _one.StatAsync("/a/b/file").Soon()).Size);
        }

        Assert.Equal((before.Known + 100, before.Asked), (_one.Paths.Known, _one.Paths.Asked));
    }

    [Fact]
    public async Task What_another_client_changed_is_seen_at_once()
    {
        await KnowAsync("/a/b/file");
        await _two.SetAttributesAsync("/a/b/file", new AttributeChange { Mode = 0b110_000_000 }).Soon();
        Assert.Equal(0b110_000_000u, (await _one.StatAsync("/a/b/file").Soon()).Mode);

        await KnowAsync("/a/b/file");
        await _two.RenameAsync("/a/b", "/a/c").Soon();
        Assert.Null(await _one.TryStatAsync("/a/b/file").Soon());
        Assert.Equal(5, (await _one.StatAsync("/a/c/file").Soon()).Size);

        await KnowInVainAsync("/a/b");
        await _two.CreateDirectoryAsync("/a/b").Soon();
        Assert.True((await _one.StatAsync("/a/b").Soon()).IsDirectory);
    }

    /// <summary>Its own session has no lease: its changes are those of anybody.</summary>
    [Fact]
    public async Task What_this_client_changed_is_seen_too()
    {
        await KnowAsync("/a/b/file");
        await _one.DeleteFileAsync("/a/b/file").Soon();
        Assert.Null(await _one.TryStatAsync("/a/b/file").Soon());
        await KnowInVainAsync("/a/b/file");
        await PutAsync(_one, "/a/b", "file", "123");
        Assert.Equal(3, (await _one.StatAsync("/a/b/file").Soon()).Size);
    }

    [Fact]
    public async Task Who_may_not_look_there_any_more_is_told_at_once()
    {
        await using var somebody = await DistFsClient.ConnectAsync(
            _cluster.OptionsOf() with { Identity = new FileIdentity(1_000, 1_000, []) }).Soon();
        await KnowAsync(somebody, "/a/b/file", isThere: true);
        await _two.SetAttributesAsync("/a/b", new AttributeChange { Mode = 0b111_000_000 }).Soon();
        var refused = await Assert.ThrowsAsync<DistFsException>(() => somebody.StatAsync("/a/b/file")).Soon();
        Assert.Equal(FsStatus.AccessDenied, refused.Status);
        Assert.Equal(5, (await _two.StatAsync("/a/b/file").Soon()).Size);
    }

    /// <summary>The link's target never changes, what is behind it does.</summary>
    [Fact]
    public async Task A_path_with_links_leads_to_where_they_lead_now()
    {
        await PutAsync(_two, "/a", "other", "1234567");
        await _two.CreateSymbolicLinkAsync("/link", "a/b").Soon();
        await KnowAsync("/link/file");
        Assert.Equal(5, (await _one.StatAsync("/link/file").Soon()).Size);
        await _two.DeleteFileAsync("/link").Soon();
        await _two.CreateSymbolicLinkAsync("/link", "a/b/../other").Soon();
        Assert.Equal(7, (await _one.StatAsync("/link").Soon()).Size);
    }

    [Fact]
    public async Task A_client_that_has_ended_is_waited_for_by_nobody()
    {
        var third = await ConnectAsync();
        await KnowAsync(third, "/a/b/file", isThere: true);
        await third.DisposeAsync();
        await third.DisposeAsync();
        await _two.DeleteFileAsync("/a/b/file").WaitAsync(TimeSpan.FromSeconds(5));
    }

    /// <summary>
    /// One writes a number, the next one, and so on, by replacing the file; whoever looks sees none that is older than
    /// the last one that was there when he began to look.
    /// </summary>
    [Fact]
    public async Task Nobody_sees_what_was_replaced_before_he_looked()
    {
        const int Rounds = 150;
        await PutAsync(_two, "/a", "counter", new string('x', 1));
        var written = 1;
        using var over = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                var least = Volatile.Read(ref written);
                var seen = (await _one.StatAsync("/a/counter").Soon()).Size;
                Assert.InRange(seen, least, Volatile.Read(ref written) + 1);
            }
        })).ToList();
        try
        {
            for (var i = 2; i <= Rounds; i++)
            {
                // What is known has to come back, or nothing would be tried: 2 s after each change it does.
                if (i % 50 == 0)
                {
                    await KnowAsync("/a/counter");
                }

                await PutAsync(_two, "/a", "next", new string('x', i));
                await _two.RenameAsync("/a/next", "/a/counter").Soon();
                Volatile.Write(ref written, i);
            }
        }
        finally
        {
            await over.CancelAsync();
            await Task.WhenAll(readers).Soon();
        }

        Assert.Equal(Rounds, (await _one.StatAsync("/a/counter").Soon()).Size);
    }

    /// <summary>It has something to give back, and nobody answers: the client ends all the same.</summary>
    [Fact]
    public async Task A_client_ends_though_nobody_answers()
    {
        await using var leader = new ScriptedLeader();
        var (asked, answer) = (new TaskCompletionSource(), new TaskCompletionSource());
        leader.OnAcquire = async request =>
        {
            asked.TrySetResult();
            await answer.Task;
            return leader.Granted(request);
        };
        leader.OnRelease = static _ => new TaskCompletionSource<Protocol.ReleaseLeasesReply>().Task;
        var cache = new PathCache(leader.Options);
        for (var i = 0; i < 2; i++)
        {
            cache.Learn(cache.Begin(), InodeId.Root, [[1]], [], FsStatus.NotFound, needsStatus: true);
        }

        await asked.Task.Soon();
        cache.Lost(InodeId.Root);
        answer.SetResult();
        await Eventually.True(() => !leader.Heard.IsEmpty);
        await cache.DisposeAsync().AsTask().Soon();
    }

    private static async Task PutAsync(DistFsClient client, string directory, string name, string content)
    {
        var folder = await client.StatAsync(directory).Soon();
        await client.CreateSmallFileAsync(
            folder.Inode, Encoding.UTF8.GetBytes(name), Encoding.UTF8.GetBytes(content), 0b110_100_100, null, default)
            .Soon();
    }

    /// <summary>Looks until it need not ask.</summary>
    private static Task KnowAsync(DistFsClient client, string path, bool isThere) => Eventually.True(async () =>
    {
        var before = client.Paths.Asked;
        Assert.Equal(isThere, await client.TryStatAsync(path) != null);
        return client.Paths.Asked == before;
    });

    private Task KnowAsync(string path) => KnowAsync(_one, path, isThere: true);

    private Task KnowInVainAsync(string path) => KnowAsync(_one, path, isThere: false);

    private Task<DistFsClient> ConnectAsync() => DistFsClient.ConnectAsync(_cluster.OptionsOf()).Soon();
}
