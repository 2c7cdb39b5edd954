using DistFS.Primitives;

namespace DistFS.Raft;

/// <summary>Who the members are (thesis, 4): joint consensus, learners, removal.</summary>
public sealed partial class RaftCore
{
    /// <summary>
    /// The configuration at the start of the log and those in it, oldest first: the last is in force from the moment it
    /// is in the log (thesis, 4.1), and an older one again if that entry is cut off. Never empty.
    /// </summary>
    private readonly List<(LogIndex Index, RaftConfiguration Configuration)> _configurations = [];

    private RaftConfiguration Configuration => _configurations[^1].Configuration;

    private LogIndex ConfigurationIndex => _configurations[^1].Index;

    /// <summary>
    /// Starts a change of the members. Voters change by joint consensus, which the leader leaves by itself as soon as
    /// it is committed; one change is under way at a time.
    /// </summary>
    /// <param name="target">The members as they shall be; only voters and learners, at least one voter.</param>
    public ProposeResult ChangeMembership(RaftConfiguration target)
    {
        ArgumentNullException.ThrowIfNull(target);
        if (!IsLeader)
        {
            return new(ProposeStatus.NotLeader);
        }

        // Without an entry of the own term committed, the change could overlap one of an earlier leader that is not
        // committed and not seen here (the bug of 2015: groups.google.com/g/raft-dev/c/t4xj6dJTP6E).
        if (!IsEstablished && !Teeth.Has(PlantedBug.ConfigurationBeforeOwnNoOp))
        {
            return new(ProposeStatus.Busy, Reason: "The leader is new and has committed nothing yet.");
        }

        if (ConfigurationIndex > _commit || Configuration.IsJoint)
        {
            return new(ProposeStatus.Busy, Reason: "Another change of the members is under way.");
        }

        if (_transferTarget.Value != 0)
        {
            return new(ProposeStatus.Busy, Reason: $"Leadership is on its way to {_transferTarget}.");
        }

        return WhyRefused(target) is { } reason
            ? new(ProposeStatus.Refused, Reason: reason)
            : new(ProposeStatus.Accepted, AppendConfiguration(Configuration.Towards(target)));
    }

    private string? WhyRefused(RaftConfiguration target)
    {
        if (target.IsJoint || !target.Voters.Any())
        {
            return "The members as they shall be: voters and learners, at least one voter.";
        }

        foreach (var next in target.Members)
        {
            if (WhyRefused(Configuration.Find(next.Id), next) is { } reason)
            {
                return reason;
            }
        }

        var leaving = Configuration.Members.Count(now => target.Find(now.Id) == null);
        return target.Members.Count + leaving > RaftConfiguration.MembersMax
            ? $"With those who leave it would have more than {RaftConfiguration.MembersMax} members; change some first."
            : null;
    }

    private string? WhyRefused(RaftMember? now, RaftMember next)
    {
        if (!RaftCodec.IsAddress(next.Address))
        {
            return $"The address of {next.Id} has more than {RaftCodec.AddressBytesMax} bytes or is no text.";
        }

        // What the old folder acknowledged would be believed of the new one, as a learner's too, once it is promoted.
        if (now is { Store.Value: not 0 } && now.Store != next.Store)
        {
            return $"{next.Id} has the data folder {now.Store}; another folder needs another id.";
        }

        // As a voter it would count in the quorum while it cannot help to reach it (thesis, 4.2.1). It must also know
        // the configuration that made it a member: before, it votes for nobody.
        return next.Role != MemberRole.Voter || now is { Role: MemberRole.Voter } ? null
            : now == null ? $"{next.Id} is no member; add it as a learner first."
            : ProgressOf(next.Id) is not { State: ProgressState.Replicate, IsAlive: true } progress
                || progress.Match < ConfigurationIndex
                || progress.Match.Value + _options.PromotionLagMax < _commit.Value
                ? $"{next.Id} lacks too much of the log to vote; wait until it has caught up."
            : null;
    }

    private EntryId AppendConfiguration(RaftConfiguration configuration)
    {
        var id = AppendOwn(EntryKind.Configuration, RaftCodec.Encode(configuration));
        PutInForce(id.Index, configuration);
        return id;
    }

    private void PutInForce(LogIndex index, RaftConfiguration configuration)
    {
        Check.That(index > ConfigurationIndex);
        _configurations.Add((index, configuration));
        Note(RaftEventKind.ConfigurationChanged, index: index, text: configuration.ToString());
        if (IsLeader)
        {
            FollowConfiguration();
        }
    }

    private void TakeConfiguration(RaftEntry entry)
    {
        if (RaftCodec.TryDecode(entry.Data.Span, out var configuration, out var fault))
        {
            PutInForce(entry.Index, configuration);
        }
        else
        {
            // Its checksum is right, and no append brings one: only a newer version can have written it.
            throw new DistFsException(ErrorCatalog.ConsensusVersion, $"{_options.Self}: the configuration at "
                + $"{entry.Id} in the log cannot be read: {fault}. Start the version that wrote it.");
        }
    }

    /// <summary>A leader keeps a progress for every other member and no one else.</summary>
    private void FollowConfiguration()
    {
        _members.RemoveAll(member => Configuration.Find(member.Id) == null);
        foreach (var member in Configuration.Members)
        {
            if (member.Id != _options.Self && ProgressOf(member.Id) == null)
            {
                _members.Add(new Progress(member.Id, _log.Last.Index.Next)
                {
                    BeatDueAt = _ticks + _options.HeartbeatTicks,
                });
            }
        }

        if (_transferTarget.Value != 0 && !Configuration.IsVoter(_transferTarget))
        {
            StopTransfer();
        }

        // Who did not confirm may be no voter any more, and then nobody else's answer will come.
        GrantConfirmed();
    }

    /// <summary>The joint configuration is committed: on to the new one. The new one is: who is not in it stops leading
    /// (thesis, 4.2.2, 4.3).</summary>
    private void LeaveJointOrStepDown()
    {
        if (!IsEstablished || ConfigurationIndex > _commit)
        {
            return;
        }

        if (Configuration.IsJoint)
        {
            AppendConfiguration(Configuration.LeaveJoint());
        }
        else if (!Configuration.IsVoter(_options.Self))
        {
            // The others learn of the commit before the leader falls silent.
            SendHeartbeats();
            Note(RaftEventKind.Removed);
            BecomeFollower(_term, leader: default);
        }
    }

    private void LoadConfigurations()
    {
        _configurations.Clear();
        _configurations.Add((_storage.Compacted.Index, _storage.CompactedConfiguration));
        for (var at = _storage.First; at <= _storage.Last.Index;)
        {
            var entries = _storage.Read(at, _storage.Last.Index, _options.AppendBytesMax);
            foreach (var entry in entries)
            {
                if (entry.Kind == EntryKind.Configuration)
                {
                    TakeConfiguration(entry);
                }
            }

            at = entries[^1].Index.Next;
        }

        ForgetOldConfigurations();
    }

    private void ForgetConfigurationsFrom(LogIndex from)
    {
        while (_configurations.Count > 1 && ConfigurationIndex >= from)
        {
            _configurations.RemoveAt(_configurations.Count - 1);
            Note(RaftEventKind.ConfigurationChanged, index: ConfigurationIndex, text: Configuration.ToString());
        }
    }

    // One that is committed is never gone back behind.
    private void ForgetOldConfigurations()
    {
        while (_configurations.Count > 1 && _configurations[1].Index <= _commit)
        {
            _configurations.RemoveAt(0);
        }
    }
}
