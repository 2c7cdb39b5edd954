using DistFS.Client.Cluster;
using DistFS.Primitives;
using DistFS.Protocol;
using DistFS.Rpc.Cluster;

namespace DistFS.Client.Leases;

/// <summary>What was asked for a lease.</summary>
/// <param name="Mode">What may be done now; <see cref="LeaseMode.None"/>: ask for everything.</param>
/// <param name="Status">0, ENOENT, or EAGAIN: others have it.</param>
/// <param name="Attributes">As they are under the lease; null without one.</param>
internal readonly record struct LeaseOutcome(LeaseMode Mode, FsStatus Status, Attributes? Attributes);

/// <summary>
/// The leases of a session: asks for them, answers recalls, keeps the session alive, and reclaims from a new leader.
/// The thin shell of <see cref="LeaseBook"/>. Any thread.
/// </summary>
internal sealed partial class LeaseClient : IAsyncDisposable
{
    /// <summary>Of one request each (docs/design/leases.md).</summary>
    private const int AskedMax = 1_024;
    private const int ToldMax = 4_096;

    private static readonly TimeSpan TellLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly ClientSession _session;
    private readonly MetadataChannel _channel;
    private readonly DistFsClientOptions _options;
    private readonly ILeaseHolder _holder;
    private readonly Lock _gate = new();
    private readonly LeaseBook _book;

    // Under the gate: what is being given up; who asks for it again waits for that.
    private readonly Dictionary<InodeId, Task> _givingUp = [];

    // Under the gate: leases that somebody here has just been granted and has not used yet; a recall waits for that, or
    // two clients could take a lease from each other for ever without either having done anything under it.
    private readonly Dictionary<InodeId, Pin> _pins = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _listening;

    private CancellationTokenSource? _waiting;

    public LeaseClient(
        ClientSession session, MetadataChannel channel, DistFsClientOptions options, ILeaseHolder holder)
    {
        (_session, _channel, _options, _holder) = (session, channel, options, holder);
        _book = new LeaseBook((long)options.SessionLease.TotalMilliseconds);
        _listening = Task.Run(ListenAsync);
    }

    /// <summary>A lease that is asked for to be used at once.</summary>
    private sealed class Pin
    {
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>It is there; until then only what has not come yet is meant.</summary>
        public bool IsGranted { get; set; }
    }

    private long NowMs => LeaderChannel.NowMs(_options.Clock);

    /// <summary>What may be done now without asking.</summary>
    public LeaseMode ModeOf(InodeId inode)
    {
        lock (_gate)
        {
            return _book.ModeOf(inode, NowMs);
        }
    }

    /// <summary>For how long what is held may be trusted if nothing more is heard.</summary>
    public TimeSpan Believed
    {
        get
        {
            lock (_gate)
            {
                return TimeSpan.FromMilliseconds(_book.BelievedMs(NowMs));
            }
        }
    }

    /// <summary>Asks for leases.</summary>
    /// <param name="wanted">At most 1,024.</param>
    /// <param name="mode">To read, or to write.</param>
    /// <param name="wait">For how long others are waited for; zero: nobody is disturbed.</param>
    /// <param name="pins">
    /// What is granted is not given up before <see cref="Unpin"/>, which comes soon, whatever else goes on. Of one.
    /// </param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>In the order of what is wanted. Whoever answers nothing has granted nothing.</returns>
    public async Task<LeaseOutcome[]> AcquireAsync(
        IReadOnlyList<InodeId> wanted, LeaseMode mode, TimeSpan wait, bool pins, CancellationToken cancellation)
    {
        Check.That(wanted.Count is > 0 and <= AskedMax && (!pins || wanted.Count == 1));

        var outcomes = new LeaseOutcome[wanted.Count];
        Array.Fill(outcomes, new LeaseOutcome(LeaseMode.None, FsStatus.TryAgain, null));
        try
        {
            // Before the first keep-alive a lease would be worth nothing. If nobody leads, there is none.
            await _first.Task.WaitAsync(TellLimit, _options.Clock, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return outcomes;
        }

        var request = new AcquireLeasesRequest { Client = _session.Id.Value, WaitMs = (uint)wait.TotalMilliseconds };
        var asked = new List<int>(wanted.Count);
        lock (_gate)
        {
            for (var i = 0; i < wanted.Count; i++)
            {
                // What is being given up is not asked for: the metaservers would wait for that first, and whoever asks
                // here may be what it waits for.
                if (!_givingUp.ContainsKey(wanted[i]))
                {
                    request.Wanted.Add(new AcquireLeasesRequest.Types.Wanted
                    {
                        Inode = wanted[i].Value,
                        Kind = (uint)mode,
                    });
                    _book.Ask(wanted[i]);
                    if (pins)
                    {
                        _pins.TryAdd(wanted[i], new Pin());
                    }

                    asked.Add(i);
                }
            }
        }

        if (asked.Count == 0)
        {
            return outcomes;
        }

        AcquireLeasesReply? reply = null;
        try
        {
            reply = (await _channel.AcquireAsync(request, (wait * 2) + TellLimit, cancellation).ConfigureAwait(false))
                .Reply;
            Look(reply.Status);
        }
        finally
        {
            Take(wanted, asked, reply?.Granted.Count == asked.Count ? reply : null, pins, outcomes);
        }

        return outcomes;
    }

    /// <summary>Leases are given up, since nobody here needs them. What was cached is forgotten already.</summary>
    public async Task ReleaseAsync(IEnumerable<InodeId> inodes)
    {
        List<LeaseAnswer> answers = [];
        lock (_gate)
        {
            foreach (var inode in inodes)
            {
                if (!_givingUp.ContainsKey(inode) && _book.GaveUp(inode, LeaseMode.None) is { } answer)
                {
                    answers.Add(answer);
                }
            }
        }

        await TellAsync(answers).ConfigureAwait(false);
    }

    /// <summary>Ends when the inode's lease is not being given up (any more), and the metaservers know.</summary>
    public Task GivenUp(InodeId inode)
    {
        lock (_gate)
        {
            return _givingUp.GetValueOrDefault(inode, Task.CompletedTask);
        }
    }

    /// <summary>What was granted has been used.</summary>
    public void Unpin(InodeId inode)
    {
        Pin? pin;
        lock (_gate)
        {
            _pins.Remove(inode, out pin);
        }

        pin?.Ended.TrySetResult();
    }

    /// <summary>
    /// Nobody listens any more. What is being given up is not waited for: it may ask for the next session, which begins
    /// only when this has ended.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _listening.ConfigureAwait(false);
    }

    /// <summary>Without a reply nothing was granted, as far as anybody here will ever know.</summary>
    private void Take(
        IReadOnlyList<InodeId> wanted,
        List<int> asked,
        AcquireLeasesReply? reply,
        bool pins,
        LeaseOutcome[] outcomes)
    {
        lock (_gate)
        {
            for (var i = 0; i < asked.Count; i++)
            {
                var granted = reply?.Granted[i];
                var mode = _book.Answer(
                    wanted[asked[i]],
                    reply?.Status.Epoch ?? 0,
                    granted is { Status: 0 } ? (LeaseMode)granted.Kind : LeaseMode.None,
                    granted?.Grant ?? 0);
                if (pins && mode != LeaseMode.None && _pins.TryGetValue(wanted[0], out var pin))
                {
                    pin.IsGranted = true;
                }

                if (granted != null)
                {
                    outcomes[asked[i]] = new LeaseOutcome(
                        mode, (FsStatus)granted.Status, mode == LeaseMode.None ? null : granted.Attributes);
                }
            }
        }
    }

    /// <summary>A reply names an epoch, or says that the session is over.</summary>
    private void Look(LeaseStatus status)
    {
        if (status.Code == ErrorCatalog.SessionEnded.Number)
        {
            Lose();
            return;
        }

        CancellationTokenSource? waiting = null;
        lock (_gate)
        {
            if (status.Epoch != 0 && _book.Saw(status.Epoch))
            {
                waiting = _waiting;
            }
        }

        // Whoever waits at the leader before hears nothing any more.
        waiting?.Cancel();
    }

    private async Task ListenAsync()
    {
        while (!_stop.IsCancellationRequested && !_session.IsEnded)
        {
            try
            {
                await ReclaimAsync().ConfigureAwait(false);
                await ListenOnceAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                // The end, or another leader: looked at above.
            }
            catch (DistFsException)
            {
                // Nobody leads at the moment. What is believed ends by itself.
                await PauseAsync().ConfigureAwait(false);
            }
        }

        _first.TrySetResult();
    }

    private async Task ListenOnceAsync()
    {
        var request = new WaitForRecallsRequest { Client = _session.Id.Value };
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        lock (_gate)
        {
            (request.Epoch, request.Seen, _waiting) = (_book.Epoch, _book.Seen, waiting);
        }

        LeaderReply<WaitForRecallsReply> answer;
        try
        {
            // The leader waits for a third of the lease time, or for 3/4 of what it is given.
            answer = await _channel.WaitForRecallsAsync(request, _options.SessionLease / 2, waiting.Token)
                .ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
            {
                _waiting = null;
            }
        }

        var reply = answer.Reply;
        Look(reply.Status);
        if (reply.Status.Status != 0)
        {
            await PauseAsync().ConfigureAwait(false);
            return;
        }

        if (reply.Renewed)
        {
            _session.Heard(answer.SentMs);
        }

        lock (_gate)
        {
            if (reply.Status.Epoch != _book.Epoch)
            {
                return;
            }

            if (reply.Renewed)
            {
                _book.Renewed(answer.SentMs);
            }

            if (reply.Reclaim)
            {
                _book.AskedToReclaim();
            }
        }

        Answer(reply.Recalls);
        if (!reply.Reclaim)
        {
            _first.TrySetResult();
        }
    }

    private void Lose()
    {
        lock (_gate)
        {
            _book.LoseAll();
        }

        if (_session.End())
        {
            _holder.AllLost();
        }
    }

    private async Task PauseAsync()
    {
        try
        {
            await Task.Delay(Pause, _options.Clock, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }
}
