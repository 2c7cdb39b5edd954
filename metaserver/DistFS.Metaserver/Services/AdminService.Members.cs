using DistFS.Metadata.Members;
using DistFS.Metaserver.Consensus;
using DistFS.Metaserver.Hosting;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Raft;
using DistFS.Rpc;

namespace DistFS.Metaserver.Services;

/// <content>Removing, handing over, showing.</content>
internal sealed partial class AdminService
{
    private async ValueTask<RemoveReply> RemoveAsync(RemoveRequest request, ServerCall call)
    {
        if (!driver.IsLeader)
        {
            return NotLeader();
        }

        var id = new MemberId(request.Member);
        await EnterRemovalAsync(call).ConfigureAwait(false);
        try
        {
            if (!await IsDecidedAsync(id, request, call).ConfigureAwait(false))
            {
                return NotLeader();
            }
        }
        finally
        {
            keeper.Removing.Release();
        }

        if (request.CheckOnly)
        {
            return new RemoveReply();
        }

        keeper.Wake();
        using var timer = new PeriodicTimer(PollInterval);
        while (driver.IsLeader)
        {
            var status = await LookAsync(call).ConfigureAwait(false);
            if (status.Configuration.Find(id) == null && status.ConfigurationCommitted && !status.Configuration.IsJoint)
            {
                return new RemoveReply();
            }

            await timer.WaitForNextTickAsync(call.CancellationToken).ConfigureAwait(false);
        }

        return NotLeader();

        RemoveReply NotLeader()
        {
            var (status, code, leader) = Redirection.Of(driver);
            return new RemoveReply { Status = status, Code = code, Leader = leader };
        }
    }

    /// <summary>One removal is thought out at a time: the next one counts who stays after it.</summary>
    private async ValueTask EnterRemovalAsync(ServerCall call)
    {
        if (!await keeper.Removing.WaitAsync(TimeLeft(call), call.CancellationToken).ConfigureAwait(false))
        {
            throw new RpcException(ErrorCatalog.DeadlineExceeded, "Other removals took all the time.");
        }
    }

    /// <summary>
    /// That a member goes is in the log, or would not be refused; false: this one does not lead, or not any more.
    /// </summary>
    private async ValueTask<bool> IsDecidedAsync(MemberId id, RemoveRequest request, ServerCall call)
    {
        // Behind an entry of nobody everything is applied that was proposed before, also a removal whose caller waited
        // no longer; and what is decided here is proposed in this term only.
        var term = driver.LeadTerm;
        var nobody = new MetadataCommand { KeepAlive = new KeepAliveRequest() };
        if (term == 0 || await ProposeAsync(nobody, call, term).ConfigureAwait(false) == null)
        {
            return false;
        }

        var status = await LookAsync(call).ConfigureAwait(false);
        var rows = MembershipKeeper.Rows(state);
        var member = status.Configuration.Find(id);
        var row = rows.FirstOrDefault(row => row.Id == id).Row;
        if (member == null && row == null)
        {
            throw new RpcException(
                ErrorCatalog.MemberUnknown, $"Cluster {identity.Cluster} has no metaserver {id}.");
        }

        if (row is { IsRemoved: true })
        {
            return true;
        }

        RequireMajorityWithout(status, rows, id, request.Force);
        if (request.CheckOnly)
        {
            return true;
        }

        var command = new MetadataCommand
        {
            RemoveMember = new RemoveMemberRequest
            {
                Member = id.Value,
                Store = (member?.Store ?? row!.Store).Value,
            },
        };
        var reply = await ProposeAsync(command, call, term).ConfigureAwait(false);
        if (reply is { Status: not 0 })
        {
            throw Failed(reply);
        }

        return reply != null;
    }

    private void RequireMajorityWithout(
        RaftStatus status, IReadOnlyList<(MemberId Id, MemberRow Row)> rows, MemberId id, bool force)
    {
        if (!status.Configuration.IsVoter(id))
        {
            return;
        }

        var (rest, alive) = MembershipPlan.Without(status, driver.Self, rows, id);
        if (rest == 0)
        {
            throw new RpcException(ErrorCatalog.MembersTooFew, $"Metaserver {id} is the last one that votes.");
        }

        if (!force && alive <= rest / 2)
        {
            throw new RpcException(
                ErrorCatalog.MembersTooFew,
                $"Without metaserver {id}, {alive} of {rest} that vote and stay are alive: no majority.");
        }
    }

    private async ValueTask<TransferReply> TransferAsync(TransferRequest request, ServerCall call)
    {
        if (!driver.IsLeader)
        {
            var (code, number, leader) = Redirection.Of(driver);
            return new TransferReply { Status = code, Code = number, Leader = leader };
        }

        var target = new MemberId(request.Member);
        var configuration = driver.Configuration;
        if (target.Value != 0 && configuration.Find(target) == null)
        {
            throw new RpcException(
                ErrorCatalog.MemberUnknown, $"Cluster {identity.Cluster} has no metaserver {target}.");
        }

        if (target != driver.Self)
        {
            await TransferToAsync(target, call).ConfigureAwait(false);
        }

        return driver.LeaderMember is { } now
            ? new TransferReply { Leader = new Leader { Member = now.Id.Value, Address = now.Address } }
            : new TransferReply();
    }

    private async ValueTask TransferToAsync(MemberId target, ServerCall call)
    {
        var limit = TimeLeft(call) < 2 * election ? TimeLeft(call) : 2 * election;
        if (target.Value == 0)
        {
            try
            {
                await driver.HandOverAsync(limit).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // It still leads: told below.
            }
        }
        else
        {
            var outcome = await driver.TransferLeadershipAsync(target, limit, call.CancellationToken)
                .ConfigureAwait(false);
            if (outcome.Status != CallStatus.Done)
            {
                throw new RpcException(
                    ErrorCatalog.TransferFailed, $"Metaserver {target} cannot take it: {outcome.Status}.");
            }

            await UntilLeadsAsync(target, limit, call.CancellationToken).ConfigureAwait(false);
        }

        if (target.Value == 0 ? driver.IsLeader : driver.Leader != target)
        {
            throw new RpcException(
                ErrorCatalog.TransferFailed,
                target.Value == 0
                    ? $"Metaserver {driver.Self} still leads: nobody else could take over in time."
                    : $"Metaserver {target} did not take over in time.");
        }
    }

    private async ValueTask UntilLeadsAsync(MemberId target, TimeSpan limit, CancellationToken cancellation)
    {
        var until = TimeProvider.System.GetElapsedTime(0) + limit;
        using var timer = new PeriodicTimer(PollInterval);
        while (driver.Leader != target && TimeProvider.System.GetElapsedTime(0) < until)
        {
            await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
        }
    }

    private async ValueTask<MembersReply> MembersAsync(MembersRequest request, ServerCall call)
    {
        var status = await LookAsync(call).ConfigureAwait(false);
        var rows = MembershipKeeper.Rows(state);
        var asked = new MemberId(request.Member);
        var reply = new MembersReply
        {
            ClusterHigh = (ulong)(identity.Cluster.Value >> 64),
            ClusterLow = (ulong)identity.Cluster.Value,
            Self = identity.Member.Value,
            Store = identity.Store.Value,
            Leader = status.Leader.Value,
            Term = status.Term.Value,
            Commit = status.Commit.Value,
            Applied = driver.Applied.Value,
            Last = status.Last.Index.Value,
            Run = run,
            IsChanging = status.Configuration.IsJoint || !status.ConfigurationCommitted,
            IsRemoved = rows.Any(row => row.Id == asked && row.Row.IsRemoved)
                && status.ConfigurationCommitted && status.Configuration.Find(asked) == null,
        };
        reply.Members.AddRange(status.Configuration.Members.Select(member => InfoOf(member, status)));
        reply.Members.AddRange(rows
            .Where(row => !row.Row.IsRemoved && status.Configuration.Find(row.Id) == null)
            .Select(row => new MemberInfo
            {
                Member = row.Id.Value,
                Store = row.Row.Store.Value,
                Address = row.Row.Address,
                Part = MemberPart.Admitted,
                HeardMsAgo = uint.MaxValue,
            }));
        return reply;
    }

    private async ValueTask<RaftStatus> LookAsync(ServerCall call)
    {
        try
        {
            return await driver.StatusAsync(TimeLeft(call), call.CancellationToken).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw new RpcException(ErrorCatalog.DeadlineExceeded, $"Metaserver {driver.Self} waits for its disk.", e);
        }
    }

    private MemberInfo InfoOf(RaftMember member, RaftStatus status)
    {
        var isSelf = member.Id == driver.Self;
        var progress = status.Progress.FirstOrDefault(progress => progress.Id == member.Id);
        var heard = isSelf ? TimeSpan.Zero : transport.HeardAgo(member.Id);
        return new MemberInfo
        {
            Member = member.Id.Value,
            Store = member.Store.Value,
            Address = member.Address,
            Part = member.Role switch
            {
                MemberRole.Voter => MemberPart.Voter,
                MemberRole.Learner => MemberPart.Learner,
                MemberRole.VoterIncoming => MemberPart.Entering,
                _ => MemberPart.Leaving,
            },
            IsAlive = isSelf || (status.Role == RaftRole.Leader && progress.IsActive && heard != null),
            Match = isSelf ? status.Stable.Value : progress.Match.Value,
            InSnapshot = progress.State == ProgressState.Snapshot && progress.Id == member.Id,
            HeardMsAgo = heard is { } ago ? (uint)Math.Min(ago.TotalMilliseconds, uint.MaxValue) : uint.MaxValue,
        };
    }
}
