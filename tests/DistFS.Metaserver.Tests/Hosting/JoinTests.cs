using DistFS.Metaserver.Hosting;
using DistFS.Metaserver.Services;
using DistFS.Metaserver.Storage;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Tests.Hosting;

/// <summary>Metaservers become members of a cluster (thesis, 4.2.1), whatever goes wrong meanwhile.</summary>
public sealed class JoinTests : IAsyncDisposable
{
    private readonly HostCluster _cluster = new();

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task OthersJoinWhileClientsWriteAndThenOneMayDie()
    {
        await _cluster.StartAsync(0);
        await using var client = _cluster.Client(5);
        await client.OpenSessionAsync();
        using var stop = new CancellationTokenSource();
        var names = new List<string>();
        var writing = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                Assert.Equal(FsStatus.Ok, await client.MakeAsync($"{i}"));
                names.Add($"{i}");
            }
        });
        await _cluster.StartAsync(1, 0);
        await _cluster.StartAsync(2, 1);
        var members = await _cluster.UntilVotersAsync(3);
        await stop.CancelAsync();
        await writing.WaitAsync(Eventually.Limit);
        Assert.Equal([1UL, 2UL, 3UL], members.Members.Select(member => member.Member));
        Assert.Equal([1UL, 2UL, 3UL], _cluster.Running.Select(host => host.Member.Value));
        Assert.Equal(3, members.Members.Select(member => member.Store).Distinct().Count());
        Assert.NotEmpty(names);

        await _cluster.KillAsync(_cluster.Leader);
        await using var reader = _cluster.Client(6);
        Assert.Equal(names.Order(StringComparer.Ordinal), (await reader.ListAsync()).Order(StringComparer.Ordinal));
        await reader.OpenSessionAsync();
        Assert.Equal(FsStatus.Ok, await reader.MakeAsync("after"));
    }

    [Fact]
    public async Task StartedAgainANodeGoesOnAsWhatItIs()
    {
        await _cluster.ThreeAsync();
        var cluster = _cluster[0].Cluster;
        foreach (var number in new[] { 0, 1, 2 })
        {
            await _cluster.StopAsync(number);
        }

        // With the addresses, without, and with those of nobody who runs yet.
        await _cluster.StartAsync(1, 0, 2);
        await _cluster.StartAsync(2);
        await _cluster.StartAsync(0, 1);
        await _cluster.UntilVotersAsync(3);
        Assert.Equal([1UL, 2UL, 3UL], _cluster.Running.Select(host => host.Member.Value));
        Assert.All(_cluster.Running, host => Assert.Equal(cluster, host.Cluster));
    }

    /// <summary>The process ends after the cluster gave it an id, and before its folder says so.</summary>
    [Fact]
    public async Task AJoinThatWasCutShortGoesOnUnderTheSameIdAlsoWithoutTheAddresses()
    {
        await _cluster.StartAsync(0);
        Directory.CreateDirectory(Path.Combine(_cluster.Folder(1), "raft"));
        new JoinDraft(new StoreId(77), $"{_cluster.Address(0)}").Write(
            new PosixDisk(Path.Combine(_cluster.Folder(1), "raft")));
        await using var admin = _cluster.Admin();
        var address = $"{_cluster.Address(1)}";
        var request = new JoinRequest { Version = AdminService.Version, Store = 77, Address = address };
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(2UL, (await admin.JoinAsync(request, Eventually.Limit, default)).Member);
        }

        var host = await _cluster.StartAsync(1);
        Assert.Equal((2UL, _cluster[0].Cluster), (host.Member.Value, host.Cluster));
        await _cluster.UntilVotersAsync(2);
        await _cluster.StartAsync(2, 1);
        Assert.Equal(3UL, _cluster[2].Member.Value);
        await _cluster.UntilVotersAsync(3);
    }

    [Fact]
    public async Task AJoinGoesOnWhenTheLeaderDies()
    {
        await _cluster.ThreeAsync();
        for (var number = 3; number < 5; number++)
        {
            var join = _cluster.Running.Select((_, i) => i).ToArray();
            var leader = _cluster.Leader;
            var joining = _cluster.StartAsync(number, join);

            // While it asks, or just after: the next leader finds it in the log, or is asked again.
            await _cluster.KillAsync(leader);
            Assert.Equal((ulong)number + 1, (await joining).Member.Value);
            await _cluster.StartAsync(leader);
            await _cluster.UntilVotersAsync(number + 1);
        }
    }

    [Fact]
    public async Task ManyJoinAtOnce()
    {
        await _cluster.StartAsync(0);
        var others = Enumerable.Range(1, 4).ToArray();
        foreach (var number in others)
        {
            _ = _cluster.Address(number);
        }

        var starts = others.Select(number => MetaserverHost.StartAsync(_cluster.Options(number, 0))).ToArray();
        foreach (var (number, start) in others.Zip(starts))
        {
            _cluster.Adopt(number, await start.WaitAsync(Eventually.Limit));
        }

        await _cluster.UntilVotersAsync(5);
        Assert.Equal(
            [1UL, 2UL, 3UL, 4UL, 5UL], _cluster.Running.Select(host => host.Member.Value).Order());
    }

    [Fact]
    public async Task AFolderOfAnotherClusterDoesNotJoin()
    {
        await _cluster.StartAsync(0);
        var own = await _cluster.StartAsync(1);
        var cluster = own.Cluster;
        await _cluster.StopAsync(1);
        await RefusedAsync(ErrorCatalog.ClusterForeign, _cluster.Options(1, 0));
        Assert.Equal(cluster, (await _cluster.StartAsync(1)).Cluster);
        Assert.Single((await MembersOfAsync(0)).Members);
    }

    [Fact]
    public async Task TheAddressOfAnotherMemberOrOfNobodyIsRefused()
    {
        await _cluster.StartAsync(0);
        await _cluster.StartAsync(1, 0);
        await _cluster.UntilVotersAsync(2);
        var options = _cluster.Options(2, 0);
        await RefusedAsync(ErrorCatalog.MemberAddressTaken, options with { Address = _cluster.Address(1) });
        await RefusedAsync(ErrorCatalog.MemberAddressTaken, options with { Address = RpcAddress.Tcp("0.0.0.0", 7) });
        await _cluster.UntilVotersAsync(2);
        await _cluster.StartAsync(2, 0);
        Assert.Equal(3UL, _cluster[2].Member.Value);
    }

    [Fact]
    public async Task ItDoesNotJoinItself()
    {
        await RefusedAsync(ErrorCatalog.Configuration, _cluster.Options(0, 0));

        // Among others it is left out, so that all may have the same list.
        await _cluster.StartAsync(1);
        Assert.Equal(2UL, (await _cluster.StartAsync(0, 0, 1)).Member.Value);
    }

    [Fact]
    public async Task NobodyThereIsToldInTime()
    {
        var options = _cluster.Options(0, 1) with { JoinTimeout = TimeSpan.FromMilliseconds(300) };
        await RefusedAsync(ErrorCatalog.JoinFailed, options);

        // It does not begin a cluster of its own, since it was told to join one.
        await RefusedAsync(ErrorCatalog.JoinFailed, options with { Join = [] });
        await _cluster.StartAsync(1);
        await _cluster.StartAsync(0);
        await _cluster.StopAsync(0);
        Assert.Equal(_cluster[1].Cluster, (await _cluster.StartAsync(0)).Cluster);
    }

    [Fact]
    public async Task TheCopyOfAFolderIsRefusedWhileTheOtherRuns()
    {
        await _cluster.ThreeAsync();
        await _cluster.StopAsync(1);
        Copy(_cluster.Folder(1), _cluster.Folder(3));
        await _cluster.StartAsync(1);
        await _cluster.UntilVotersAsync(3);
        await RefusedAsync(ErrorCatalog.MemberTwice, _cluster.Options(3));

        // Nor under the mask of one that has not begun yet.
        await using var admin = _cluster.Admin();
        var store = (await _cluster.MembersAsync()).Members[1].Store;
        var error = await Assert.ThrowsAsync<RpcException>(() => admin.JoinAsync(
            new JoinRequest { Version = AdminService.Version, Store = store, Address = "127.0.0.1:9" },
            Eventually.Limit,
            default));
        Assert.Equal(ErrorCatalog.MemberTwice, error.Code);
        await _cluster.UntilVotersAsync(3);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AMemberMayListenElsewhere(bool isLeader)
    {
        await _cluster.ThreeAsync();
        var number = isLeader ? _cluster.Leader : (_cluster.Leader + 1) % 3;
        var id = _cluster[number].Member;
        await _cluster.StopAsync(number);
        var address = RpcAddress.Parse(TestMember.FreeAddress());
        _cluster.Adopt(number, await MetaserverHost.StartAsync(_cluster.Options(number) with { Address = address }));
        await Eventually.True(async () => (await MembersOfAsync((number + 1) % 3)).Members
            .Any(member => member.Member == id.Value && member.Address == $"{address}"));
    }

    /// <summary>Who answers at the old address is the one that asks.</summary>
    [Fact]
    public async Task AMemberMaySpellItsAddressInAnotherWay()
    {
        await _cluster.ThreeAsync();
        var number = (_cluster.Leader + 1) % 3;
        var id = _cluster[number].Member;
        await _cluster.StopAsync(number);
        var address = RpcAddress.Tcp("localhost", _cluster.Address(number).Port);
        var host = await MetaserverHost.StartAsync(_cluster.Options(number) with { Address = address });
        _cluster.Adopt(number, host);
        await Eventually.True(async () => (await MembersOfAsync((number + 1) % 3)).Members
            .Any(member => member.Member == id.Value && member.Address == $"{address}"));
        Assert.False(host.Failed.IsCompleted);
    }

    [Fact]
    public async Task AFirstMemberThatListensElsewhereIsFoundByOthers()
    {
        await _cluster.StartAsync(0);
        await _cluster.StopAsync(0);
        _cluster.Move(0);
        await _cluster.StartAsync(0);
        await _cluster.StartAsync(1, 0);
        await _cluster.StartAsync(2, 0);
        var members = await _cluster.UntilVotersAsync(3);
        Assert.Equal($"{_cluster.Address(0)}", members.Members[0].Address);
        await _cluster.StopAsync(_cluster.Leader);
    }

    [Theory]
    [InlineData(2u, 5ul, 0ul, 0ul, "127.0.0.1:9", 1321)]
    [InlineData(1u, 0ul, 0ul, 0ul, "127.0.0.1:9", 1215)]
    [InlineData(1u, 5ul, 0ul, 0ul, "nonsense", 1215)]
    [InlineData(1u, 5ul, 0ul, 0ul, "127.0.0.1:0", 1215)]
    [InlineData(1u, 5ul, 7ul, 0ul, "127.0.0.1:9", 1215)]
    [InlineData(1u, 5ul, 7ul, 9ul, "127.0.0.1:9", 1320)]
    public async Task WhatIsWrongIsRefusedAndChangesNothing(
        uint version, ulong store, ulong member, ulong cluster, string address, int code)
    {
        await _cluster.StartAsync(0);
        await using var admin = _cluster.Admin();
        var error = await Assert.ThrowsAsync<RpcException>(() => admin.JoinAsync(
            new JoinRequest
            {
                Version = version,
                Store = store,
                Member = member,
                ClusterLow = cluster,
                Address = address,
            },
            Eventually.Limit,
            default));
        Assert.Equal(code, error.Code.Number);
        Assert.Single((await _cluster.MembersAsync()).Members);
    }

    private async Task RefusedAsync(ErrorCode code, MetaserverOptions options)
    {
        var error = await Assert.ThrowsAnyAsync<DistFsException>(
            () => MetaserverHost.StartAsync(options).WaitAsync(Eventually.Limit));
        Assert.Equal(code, error.Code);
    }

    private async Task<MembersReply> MembersOfAsync(int number)
    {
        await using var admin = new AdminClient([_cluster.Address(number)]);
        return await admin.AskAsync(_cluster.Address(number), default, Eventually.Limit, default);
    }

    private static void Copy(string from, string to)
    {
        foreach (var folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories))
        {
            Directory.CreateDirectory(folder.Replace(from, to, StringComparison.Ordinal));
        }

        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            File.Copy(file, file.Replace(from, to, StringComparison.Ordinal));
        }
    }
}
