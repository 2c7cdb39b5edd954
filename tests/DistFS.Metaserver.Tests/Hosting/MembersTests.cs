using DistFS.Metaserver.Services;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using DistFS.Rpc;

namespace DistFS.Metaserver.Tests.Hosting;

/// <summary>Members leave, hand over, and are shown.</summary>
public sealed class MembersTests : IAsyncDisposable
{
    private readonly HostCluster _cluster = new();

    public async ValueTask DisposeAsync() => await _cluster.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AMemberIsRemovedAndEndsAndDoesNotComeBack(bool isLeader)
    {
        await _cluster.ThreeAsync();
        await using var admin = _cluster.Admin();
        var number = isLeader ? _cluster.Leader : (_cluster.Leader + 1) % 3;
        var id = _cluster[number].Member;
        for (var i = 0; i < 2; i++)
        {
            // Again is harmless.
            await admin.RemoveAsync(new RemoveRequest { Member = id.Value }, Eventually.Limit, default);
        }

        Assert.DoesNotContain(
            (await _cluster.MembersAsync()).Members, member => member.Member == id.Value);

        // Nobody sends to it any more: it finds out, and ends; so it does when it is started again.
        Assert.Equal(ErrorCatalog.MemberRemoved, (await _cluster[number].Failed.Soon()).Code);
        await _cluster.KillAsync(number);
        var again = await _cluster.StartAsync(number);
        Assert.Equal(ErrorCatalog.MemberRemoved, (await again.Failed.Soon()).Code);
        await _cluster.KillAsync(number);
        await _cluster.UntilVotersAsync(2);

        // An empty folder makes it somebody new.
        Directory.Delete(_cluster.Folder(number), recursive: true);
        await _cluster.StartAsync(number, (number + 1) % 3, (number + 2) % 3);
        Assert.Equal(4UL, _cluster[number].Member.Value);
        await _cluster.UntilVotersAsync(3);
    }

    [Fact]
    public async Task ADeadMemberIsRemovedButNotIfNoMajorityOfTheOthersLives()
    {
        await _cluster.ThreeAsync();
        await using var admin = _cluster.Admin();
        var (leader, dead) = (_cluster.Leader, (_cluster.Leader + 1) % 3);
        var (alive, deadId) = (_cluster[(_cluster.Leader + 2) % 3].Member, _cluster[dead].Member);
        await _cluster.KillAsync(dead);
        await Eventually.True(async () =>
            (await _cluster.MembersAsync()).Members.Any(member => member.Member == deadId.Value && !member.IsAlive));
        foreach (var checkOnly in new[] { true, false })
        {
            await RefusedAsync(
                ErrorCatalog.MembersTooFew, new RemoveRequest { Member = alive.Value, CheckOnly = checkOnly });
        }

        await admin.RemoveAsync(
            new RemoveRequest { Member = deadId.Value, CheckOnly = true }, Eventually.Limit, default);
        Assert.Equal(3, (await _cluster.MembersAsync()).Members.Count);
        await admin.RemoveAsync(new RemoveRequest { Member = deadId.Value }, Eventually.Limit, default);
        await _cluster.UntilVotersAsync(2);
        Assert.Equal(leader, _cluster.Leader);
        await using var client = _cluster.Client(5);
        await client.OpenSessionAsync();
        Assert.Equal(FsStatus.Ok, await client.MakeAsync("a"));
    }

    [Fact]
    public async Task TheLastOneAndWhoIsNoMemberAreNotRemoved()
    {
        await _cluster.StartAsync(0);
        foreach (var force in new[] { false, true })
        {
            await RefusedAsync(ErrorCatalog.MembersTooFew, new RemoveRequest { Member = 1, Force = force });
        }

        await RefusedAsync(ErrorCatalog.MemberUnknown, new RemoveRequest { Member = 2 });
        await RefusedAsync(ErrorCatalog.MemberUnknown, new RemoveRequest());
        await _cluster.UntilVotersAsync(1);
    }

    /// <summary>Each of them alone leaves a majority; who decides later counts without those that go already.</summary>
    [Fact]
    public async Task WhoAreRemovedAllAtOnceDoNotAllGo()
    {
        await _cluster.ThreeAsync();
        var ids = _cluster.Running.Select(host => host.Member.Value).ToList();
        var answers = await Task.WhenAll(ids.Select(async id =>
        {
            await using var admin = _cluster.Admin();
            try
            {
                await admin.RemoveAsync(new RemoveRequest { Member = id }, Eventually.Limit, default);
                return 0;
            }
            catch (RpcException e)
            {
                return e.Code.Number;
            }
        }));
        Assert.Equal([0, 0, ErrorCatalog.MembersTooFew.Number], answers.Order());

        // The one that stays leads, and is asked alone: the others have ended, or are about to.
        var stays = Array.FindIndex(answers, answer => answer != 0);
        await Eventually.True(() => _cluster[stays].IsLeader);
        await using var client = new MetaClient(5, _cluster.Address(stays));
        await client.OpenSessionAsync();
        Assert.Equal(FsStatus.Ok, await client.MakeAsync("a"));
        await using var last = new AdminClient([_cluster.Address(stays)]);
        var members = await last.MembersAsync(Eventually.Limit, default);
        Assert.Equal([ids[stays]], members.Members.Select(member => member.Member));
    }

    /// <summary>Who was admitted and never came is in nobody's way, and can be removed.</summary>
    [Fact]
    public async Task WhoNeverCameIsRemoved()
    {
        await _cluster.StartAsync(0);
        await using var admin = _cluster.Admin();
        var request = new JoinRequest { Version = AdminService.Version, Store = 7, Address = "127.0.0.1:9" };
        Assert.Equal(2UL, (await admin.JoinAsync(request, Eventually.Limit, default)).Member);
        await Eventually.True(async () =>
            (await _cluster.MembersAsync()).Members.Any(member => member.Part == MemberPart.Learner));
        await admin.RemoveAsync(new RemoveRequest { Member = 2 }, Eventually.Limit, default);
        await _cluster.UntilVotersAsync(1);
        var error = await Assert.ThrowsAsync<RpcException>(
            () => admin.JoinAsync(request, Eventually.Limit, default));
        Assert.Equal(ErrorCatalog.MemberRemoved, error.Code);
    }

    [Fact]
    public async Task LeadershipGoesWhereItIsSentOrToAnybody()
    {
        await _cluster.ThreeAsync();
        await using var admin = _cluster.Admin();
        foreach (var host in _cluster.Running)
        {
            var reply = await admin.TransferAsync(
                new TransferRequest { Member = host.Member.Value }, Eventually.Limit, default);
            Assert.Equal(host.Member.Value, reply.Leader.Member);
            await Eventually.True(() => host.IsLeader);
        }

        var before = _cluster.Leader;
        await admin.TransferAsync(new TransferRequest(), Eventually.Limit, default);
        await Eventually.True(() => _cluster.Running.Any(host => host.IsLeader) && _cluster.Leader != before);
        var error = await Assert.ThrowsAsync<RpcException>(
            () => admin.TransferAsync(new TransferRequest { Member = 9 }, Eventually.Limit, default));
        Assert.Equal(ErrorCatalog.MemberUnknown, error.Code);
    }

    [Fact]
    public async Task WhoCannotLeadDoesNot()
    {
        await _cluster.StartAsync(0);
        await using var admin = _cluster.Admin();
        var error = await Assert.ThrowsAsync<RpcException>(
            () => admin.TransferAsync(new TransferRequest(), Eventually.Limit, default));
        Assert.Equal(ErrorCatalog.TransferFailed, error.Code);
        await admin.JoinAsync(
            new JoinRequest { Version = AdminService.Version, Store = 7, Address = "127.0.0.1:9" },
            Eventually.Limit,
            default);
        await Eventually.True(async () =>
            (await _cluster.MembersAsync()).Members.Any(member => member.Part == MemberPart.Learner));
        error = await Assert.ThrowsAsync<RpcException>(
            () => admin.TransferAsync(new TransferRequest { Member = 2 }, Eventually.Limit, default));
        Assert.Equal(ErrorCatalog.TransferFailed, error.Code);
        Assert.True(_cluster[0].IsLeader);
    }

    [Fact]
    public async Task WhoIsBehindIsShownAndWhoLeadsAndWhoIsDead()
    {
        await _cluster.ThreeAsync();
        var dead = _cluster[(_cluster.Leader + 1) % 3].Member.Value;
        await _cluster.KillAsync((_cluster.Leader + 1) % 3);
        await using var client = _cluster.Client(5);
        await client.OpenSessionAsync();
        for (var i = 0; i < 20; i++)
        {
            await client.MakeAsync($"{i}");
        }

        await Eventually.True(async () =>
        {
            var members = await _cluster.MembersAsync();
            return members.Self == members.Leader && members.Applied >= members.Commit && members.Members.All(member =>
                member.IsAlive == (member.Member != dead)
                && member.Match >= members.Last == (member.Member != dead)
                && (member.HeardMsAgo > 1000 || member.Member != dead));
        });
    }

    /// <summary>A stop must not cost the others an election time-out.</summary>
    [Fact]
    public async Task AStoppedLeaderHandsOver()
    {
        await _cluster.ThreeAsync();
        var leader = _cluster.Leader;
        var term = (await _cluster.MembersAsync()).Term;
        await _cluster.StopAsync(leader);
        Assert.Contains(_cluster.Running, host => host.IsLeader);
        Assert.Equal(term + 1, (await _cluster.MembersAsync()).Term);
    }

    private async Task RefusedAsync(ErrorCode code, RemoveRequest request)
    {
        await using var admin = _cluster.Admin();
        var error = await Assert.ThrowsAsync<RpcException>(
            () => admin.RemoveAsync(request, Eventually.Limit, default));
        Assert.Equal(code, error.Code);
    }
}
