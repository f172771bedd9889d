// The part of an address behind # never reaches a server: it is put into the page to come back to, and lasts through the sign-in.
(function () {
  var fragment = location.hash;
  if (!fragment) return;
  Array.prototype.forEach.call(document.querySelectorAll('a[href*="rd="]'), function (link) {
    var to = new URL(link.href), rd = to.searchParams.get('rd');
    if (!rd || rd.indexOf('#') !== -1) return;
    to.searchParams.set('rd', rd + fragment);
    link.href = to.pathname + to.search;
  });
  Array.prototype.forEach.call(document.querySelectorAll('form'), function (form) {
    var field = document.createElement('input');
    field.type = 'hidden';
    field.name = 'fragment';
    field.value = fragment;
    form.appendChild(field);
  });
})();
