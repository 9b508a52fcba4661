// Package web is the page of a laboratory: a facility in a browser, rendered here and kept alive by
// server-sent events. [New] makes the handler of a session, [NewHTTPServer] what it is served with.
//
// A page shows what package raslab says of the facility at one moment. What changes the facility is a command of
// the language of package console, and whatever is pressed on a page is one: the page writes it at its foot. Time that
// runs is such a command, given again and again.
//
// # Invariants
//
//   - One goroutine at a time has the session. Pages are rendered from a copy of what it said last, so that a
//     slow browser, or many of them, hold up no command.
//   - Looking changes nothing: a lab that is looked at plays as one that is not.
//   - Nobody sees a page without the token of its link. The token of a guest lets one look and give no command.
//   - A request is answered only if its Host is this server. A command is taken from this server's own pages, and
//     from a program that has the owner's token ([Connect]).
//   - No page of a facility holds a key, a PIN or a credential. What a command prints once, such as a recovery key, is in the
//     answer to who gave the command, and in no history.
//   - What a page says of a campaign comes from the state that its server has, and is text of somebody else's: escaped,
//     and bounded. A place is read at most once a second for all who look, and not while nobody does. The evidence of a
//     failure is marked.
//   - Everything that a page needs comes from here. Script and style are files: a policy without inline code holds.
//
// # Limitations
//
//   - A question of DSCLI from another process holds up other commands, for half a minute at most.
//   - Cookies know no ports: another server at the same address gets the token too.
//   - There is no TLS. Who serves pages to other machines puts a proxy in front, or trusts the network.
//   - Checks that were ticked off are in the browser only.
//   - A rehearsal has a session of its own, and is not kept with a lab. All browsers play the same one.
package web
