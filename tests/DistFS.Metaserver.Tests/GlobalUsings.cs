global using DistFS.Primitives;
global using DistFS.Raft;
global using Xunit;
