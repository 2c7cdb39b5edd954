using DistFS.Metadata.Leases;

namespace DistFS.Metadata.Tests.Leases;

/// <summary>
/// Everything at random, against a model that knows only who holds what and what is in flight: the invariants of
/// docs/design/leases.md hold at every moment, and in the end nobody waits and nothing is left.
/// </summary>
public sealed class LeaseTableRandomTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void The_invariants_hold(ulong seed)
    {
        var storm = new Storm(seed);
        for (var i = 0; i < 8_000; i++)
        {
            storm.Step();
        }

        storm.End();
    }

    private sealed class Storm(ulong seed)
    {
        private const ulong Sessions = 5;
        private const ulong Inodes = 6;
        private static readonly LeaseOptions Options = new()
        {
            SessionLeasesMax = 5,
            LeasesMax = 12,
            WaitingMax = 40,
            RecallMsMax = 3_000,
        };

        private readonly Prng _prng = new(seed);
        private readonly LeaseTable _table = new(Options);
        private readonly List<LeaseTicket> _open = [];
        private readonly Dictionary<LeaseTicket, long> _since = [];
        private readonly List<LeaseTicket> _untold = [];
        private readonly bool[] _isSilent = new bool[Sessions + 1];
        private readonly HashSet<ulong> _mayReclaim = [];
        private ulong _epoch;
        private long _nowMs;
        private int _passed;

        public void Step()
        {
            var session = new ClientId(1 + Below(Sessions));
            var inode = 1 + Below(Inodes);
            switch (Below(20))
            {
                case 0 or 1 or 2:
                    Enter(LeaseTicketKind.Acquire, session, Kind(), inode);
                    break;
                case 3 or 4 or 5:
                    Enter(LeaseTicketKind.Operation, session, Kind(), inode, 1 + Below(Inodes));
                    break;
                case 6:
                    Enter(LeaseTicketKind.Look, session, LeaseNeedKind.Look, inode);
                    break;
                case 7 or 8 or 9:
                    Leave();
                    break;
                case 10 or 11 or 12 or 13:
                    Answer(session);
                    break;
                case 14 when Below(2) == 0:
                    Tell();
                    break;
                case 14:
                    _isSilent[session.Value] = Below(4) == 0;
                    break;
                case 15 when Below(60) == 0:
                    Begin();
                    break;
                case 16 when _mayReclaim.Contains(session.Value):
                    Reclaim(session, inode);
                    break;
                default:
                    Tick();
                    break;
            }

            Look();
        }

        public void End()
        {
            Array.Clear(_isSilent);
            for (var i = 0; i < 1_000 && (_table.Waiting > 0 || _open.Count > 0); i++)
            {
                Tell();
                Leave();
                Answer(new ClientId(1 + Below(Sessions)));
                Tick();
                Look();
            }

            Assert.Equal((0, 0), (_table.Waiting, _open.Count));
            Assert.True(_passed > 500, $"only {_passed} passed");
            Assert.Equal(_table.Leases, HeldInodes());
        }

        private void Enter(LeaseTicketKind kind, ClientId session, LeaseNeedKind need, params ulong[] inodes)
        {
            if (kind == LeaseTicketKind.Acquire && _epoch != 0 && !_isSilent[session.Value])
            {
                _table.Renewed(session, 1_000, _nowMs);
            }

            var ticket = new LeaseTicket(kind, session) { WaitMs = (long)Below(4_000) };
            foreach (var inode in inodes)
            {
                ticket.Need(need, inode);
            }

            _table.Enter(ticket, _nowMs);
            _since[ticket] = _nowMs;
            if (ticket.State == LeaseTicketState.Waiting)
            {
                _open.Add(ticket);
            }
            else
            {
                Took(ticket);
            }
        }

        private void Took(LeaseTicket ticket)
        {
            _open.Remove(ticket);
            if (ticket.State != LeaseTicketState.Passed)
            {
                return;
            }

            _passed++;
            foreach (var need in ticket.Needs)
            {
                for (var other = 1UL; other <= Sessions; other++)
                {
                    // The rule itself, told in another way.
                    var mode = _table.ModeOf(new ClientId(other), new InodeId(need.Value));
                    var isConflict = mode == LeaseMode.Write
                        || (mode == LeaseMode.Read && need.Kind == LeaseNeedKind.Change);
                    Assert.False(
                        isConflict && other != ticket.Session.Value,
                        $"{ticket.Kind} {need} of {ticket.Session} passed beside {mode} of {other}");
                }

                Assert.False(
                    ticket.Kind == LeaseTicketKind.Acquire && _open.Any(open => open.State == LeaseTicketState.Passed
                        && open.Session != ticket.Session && open.Needs.Any(flight => flight.Value == need.Value
                            && (flight.Kind == LeaseNeedKind.Change || need.Kind == LeaseNeedKind.Change))),
                    $"{need} was granted to {ticket.Session} beside an operation in flight");
            }

            if (ticket.Kind == LeaseTicketKind.Operation)
            {
                _open.Add(ticket);
            }
            else if (ticket.Kind == LeaseTicketKind.Acquire)
            {
                _untold.Add(ticket);
            }
        }

        /// <summary>What was granted is told, or the answer was not given.</summary>
        private void Tell()
        {
            foreach (var ticket in _untold)
            {
                if (Below(4) == 0)
                {
                    _table.Withdraw(ticket);
                }
                else
                {
                    _table.Told(ticket, _nowMs);
                }
            }

            _untold.Clear();
        }

        private void Leave()
        {
            if (_open.Count > 0)
            {
                var ticket = _open[(int)Below((ulong)_open.Count)];
                _open.Remove(ticket);
                _table.Leave(ticket);
                Handle();
            }
        }

        private void Answer(ClientId session)
        {
            if (_isSilent[session.Value])
            {
                return;
            }

            _table.Renewed(session, 1_000, _nowMs);
            var recalls = new List<LeaseRecall>();
            _table.Recalls(session, 0, 3, recalls);
            foreach (var recall in recalls)
            {
                _table.Release(session, recall.Inode, recall.Grant, recall.To);
                Handle();
            }
        }

        private void Begin()
        {
            _epoch++;
            var holders = Enumerable.Range(1, (int)Sessions).Select(i => (ulong)i).Where(_ => Below(2) == 0).ToList();
            _mayReclaim.Clear();
            _mayReclaim.UnionWith(holders);
            _open.RemoveAll(ticket => ticket.State == LeaseTicketState.Passed);
            _table.Begin(
                _epoch, holders.Select(id => new LeaseHolder(new ClientId(id), 1_000, id % 2 == Below(2))), _nowMs);
            Handle();
        }

        private void Reclaim(ClientId session, ulong inode)
        {
            if (Below(3) == 0)
            {
                _mayReclaim.Remove(session.Value);
                _table.ReclaimDone(session);
            }
            else if (!_open.Any(ticket => ticket.State == LeaseTicketState.Passed))
            {
                _table.Reclaim(session, new InodeId(inode), 1 + (LeaseMode)Below(2), out _);
            }

            Handle();
        }

        private void Tick()
        {
            _nowMs += 100;
            _table.Tick(_nowMs);
            var toEnd = _table.Effects.ToEnd.ToList();
            Handle();
            foreach (var session in toEnd)
            {
                _mayReclaim.Remove(session.Value);
                _table.SessionEnded(session, _nowMs);
                Handle();
            }

            if (_epoch == 0)
            {
                Begin();
            }
        }

        private void Handle()
        {
            foreach (var ticket in _table.Effects.Freed)
            {
                Assert.NotEqual(LeaseTicketState.Waiting, ticket.State);

                // A look holds nothing: whoever came after it may have passed in the same call.
                if (ticket.Kind == LeaseTicketKind.Look)
                {
                    _open.Remove(ticket);
                }
                else
                {
                    Took(ticket);
                }
            }

            _table.Effects.Clear();
        }

        private void Look()
        {
            Handle();
            Assert.InRange(_table.Leases, 0, Options.LeasesMax);
            Assert.InRange(_table.Waiting, 0, Options.WaitingMax);
            Assert.InRange(_table.Nodes, 0, (int)Inodes);
            Assert.Equal(_table.Leases, HeldInodes());
            foreach (var ticket in _open.Where(ticket => ticket.State == LeaseTicketState.Waiting))
            {
                Assert.InRange(_nowMs - _since[ticket], 0, ticket.WaitMs + 100);
            }
        }

        /// <summary>All leases, looked at one by one; beside one to write there is no other.</summary>
        private int HeldInodes()
        {
            var held = 0;
            for (var inode = 1UL; inode <= Inodes; inode++)
            {
                var (readers, writers) = (0, 0);
                for (var session = 1UL; session <= Sessions; session++)
                {
                    var mode = _table.ModeOf(new ClientId(session), new InodeId(inode));
                    readers += mode == LeaseMode.Read ? 1 : 0;
                    writers += mode == LeaseMode.Write ? 1 : 0;
                }

                Assert.True(writers == 0 || (writers == 1 && readers == 0), $"{writers} and {readers} of {inode}");
                held += readers + writers;
            }

            return held;
        }

        private LeaseNeedKind Kind() => Below(2) == 0 ? LeaseNeedKind.Change : LeaseNeedKind.Look;

        private ulong Below(ulong limit) => _prng.NextUInt64() % limit;
    }
}
